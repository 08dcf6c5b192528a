// The file of a checkpoint: what is written comes back, and what is damaged is refused.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { writeSafetensors } from "../formats/safetensors-file.js";
import { readCheckpoint, readCheckpointFile, writeCheckpoint } from "./checkpoint.js";
import {
  Checkpoints,
  checkpointFiles,
  type FoundCheckpoint,
  OtherRunError,
} from "./checkpoints.js";
import type { TrainingState } from "./training.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-checkpoint-"));
});
afterAll(() => rm(folder, { recursive: true }));

const record = {
  epoch: 1,
  trainLoss: 0.5,
  trainAcc: 0.75,
  valLoss: Number.POSITIVE_INFINITY,
  valAcc: 0.5,
  testLoss: Number.NaN,
  testAcc: null,
  lr: 0.1,
  examplesPerSecond: 10,
  seconds: 2,
  waited: 0.125,
};

/** A state with all that JSON has no word for. */
const state = (steps = 3): TrainingState => ({
  progress: {
    epoch: 2,
    batch: 1,
    sums: { loss: 1 / 3, correct: 7, examples: 16 },
    clock: { learning: 1, passed: 3, waited: 0.1 },
    learnt: { examples: 32, seconds: 4 },
    steps: Array.from({ length: steps }, (_, i) => ({
      step: i + 1,
      epoch: 1 + Math.floor(i / 2),
      loss: i === 1 ? Number.NaN : Math.fround(1 / (i + 1)),
      lr: 0.1 / 3,
      ...(i === 1 && { skipped: true as const }),
    })),
    epochs: [record],
    curve: [{ epoch: 0.5, trainLoss: Number.NaN, trainAcc: 0.25 }],
    best: { record: { ...record, valLoss: 0.25 }, since: 2 },
    rate: { target: 0.1, lr: 0.05, schedule: { best: null, numBadEpochs: 1 } },
    random: { seed: -5, step: 12 },
  },
  weights: new Map([
    ["0.weight", { shape: [2, 2], data: Float32Array.of(1, -0, Number.NaN, 1e-45) }],
    ["1.num_batches_tracked", { shape: [], data: Int32Array.of(7) }],
  ]),
  optimizer: new Map([["0.exp_avg", { shape: [2], data: Float32Array.of(1, 2) }]]),
});

describe("a checkpoint", () => {
  it("is the state that was written, whatever its numbers are", async () => {
    const file = join(folder, "whole");
    await writeCheckpoint(file, state(), { notes: { run: "a" } });
    expect(await readCheckpoint(file)).toEqual(state());
    expect((await readCheckpointFile(file)).notes.get("run")).toBe("a");
    const best = new Map([["0.weight", { shape: [1], data: Float32Array.of(3) }]]);
    await writeCheckpoint(file, { ...state(0), best });
    expect(await readCheckpoint(file)).toEqual({ ...state(0), best });
    expect(await readdir(folder)).toEqual(["whole"]);
  });

  it("tells the change of any bit, and a missing end", async () => {
    const file = join(folder, "damaged");
    await writeCheckpoint(file, state());
    const bytes = await readFile(file);
    const refused = async (changed: Uint8Array) => {
      await writeFile(file, changed);
      await expect(readCheckpoint(file)).rejects.toThrow(DataError);
    };
    // Each bit of the header's beginning and of the last bytes, and others here and there.
    const places = fc.sample(fc.nat(bytes.length * 8 - 1), { numRuns: 150, seed: 1 });
    const ends = Array.from({ length: 128 }, (_, i) =>
      i < 96 ? i : bytes.length * 8 - 1 - i + 96,
    );
    for (const bit of [...ends, ...places]) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      await refused(changed);
    }
    for (const length of [0, 7, 8, 100, bytes.length - 1]) await refused(bytes.subarray(0, length));
    await refused(Buffer.concat([bytes, bytes.subarray(0, 1)]));
    await writeFile(file, bytes);
    expect(await readCheckpoint(file)).toEqual(state());
  });

  it("says what is wrong", async () => {
    const file = join(folder, "wrong");
    await writeCheckpoint(file, state());
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    await expect(readCheckpoint(file)).rejects.toThrow(
      new DataError(file, "is damaged: its checksum is not that of its content"),
    );
    await writeSafetensors(file, state().weights, { format: "pt" });
    await expect(readCheckpoint(file)).rejects.toThrow(
      new DataError(file, "is no checkpoint of a training"),
    );
    await writeSafetensors(file, state().weights, { format: "fovea checkpoint 1" });
    await expect(readCheckpoint(file)).rejects.toThrow("is no checkpoint of a training: it has no");
  });
});

describe("the checkpoints of a run", () => {
  const notes = { run: "a" };
  const isOwn = ({ notes }: FoundCheckpoint) => notes.get("run") === "a";
  /** A folder with so many checkpoints made in it, of as many steps. */
  async function made(name: string, count: number) {
    const at = await mkdtemp(join(folder, `${name}-`));
    const checkpoints = new Checkpoints(at);
    for (let steps = 1; steps <= count; steps++) await checkpoints.save(state(steps), notes);
    return { at, checkpoints };
  }
  /** Steps of the checkpoint that is found, and what is said of others. */
  async function found(at: string) {
    const { found, refused } = await new Checkpoints(at).load(isOwn);
    return {
      steps: found?.state.progress.steps.length,
      refused: refused.map(({ message }) => message),
    };
  }
  const damaged = (file: string) => `${file}: is damaged: its checksum is not that of its content`;
  const damage = async (file: string) => {
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
  };

  it("are the last two, of which the last is found", async () => {
    expect(await found((await made("none", 0)).at)).toEqual({ steps: undefined, refused: [] });
    for (const count of [1, 2, 3, 12]) {
      const { at } = await made("some", count);
      expect((await readdir(at)).length).toBe(Math.min(count, 2));
      expect(await found(at)).toEqual({ steps: count, refused: [] });
    }
  });

  it("are gone on with from the one before if the last is damaged", async () => {
    const { at } = await made("last", 3);
    const [last, before] = checkpointFiles.map((name) => join(at, name)) as [string, string];
    await damage(last);
    expect(await found(at)).toEqual({ steps: 2, refused: [damaged(last)] });
    // The next one takes the place of what is damaged.
    const checkpoints = new Checkpoints(at);
    await checkpoints.load(isOwn);
    await checkpoints.save(state(5), notes);
    expect(await found(at)).toEqual({ steps: 5, refused: [] });
    await writeFile(before, "");
    expect(await found(at)).toMatchObject({
      steps: 5,
      refused: [expect.stringContaining(before)],
    });
  });

  it("are gone on with from the one before if the last is of another run", async () => {
    const { at, checkpoints } = await made("foreign", 2);
    await checkpoints.save(state(9), { run: "b" });
    const [last, before] = checkpointFiles.map((name) => join(at, name)) as [string, string];
    const problem = "is of another run, or of other settings or images than this one now has";
    expect(await found(at)).toEqual({ steps: 2, refused: [`${last}: ${problem}`] });
    await rm(before);
    const { refused } = await new Checkpoints(at).load(isOwn);
    expect(refused).toEqual([new OtherRunError(last)]);
  });

  it("are none if none is whole", async () => {
    const { at } = await made("both", 2);
    const files = checkpointFiles.map((name) => join(at, name)).reverse();
    for (const file of files) await damage(file);
    expect(await found(at)).toEqual({ steps: undefined, refused: files.map(damaged) });
  });

  it("are one when the run is over", async () => {
    const { at, checkpoints } = await made("over", 3);
    await checkpoints.removeOlder();
    expect(await readdir(at)).toEqual([checkpointFiles[0]]);
    expect(await found(at)).toEqual({ steps: 3, refused: [] });
    await checkpoints.removeOlder();
    await checkpoints.save(state(4), notes);
    expect(await found(at)).toEqual({ steps: 4, refused: [] });
  });
});
