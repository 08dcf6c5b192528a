// A run that is opened again: what it goes on with, what it refuses, and that nothing is lost by either.

import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { readSafetensorsHeader } from "../formats/safetensors-file.js";
import { RunFolder, type RunFolderOptions } from "./run-folder.js";
import type { Progress, TrainingState } from "./training.js";
import { readWeightsFile } from "./weights.js";

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "fovea-open-"));
  path = join(root, "a");
});
afterEach(() => rm(root, { recursive: true, force: true }));

const config = { model: "lenet", lr: 0.1, epochs: 3 };
const images = (pixel = 1, file = "cat/1.jpg") =>
  `${JSON.stringify({ part: "training", file, class: "cat", content: String(pixel) })}\n`;
const weights = (value: number) =>
  new Map([
    ["w", { shape: [1], data: Float32Array.of(value) }],
    ["norm.num_batches_tracked", { shape: [], data: Int32Array.of(value) }],
  ]);
const step = (step: number) => ({
  ...{ step, epoch: Math.ceil(step / 2), lr: 0.1 },
  loss: Math.fround(1 / step),
});
const epoch = (epoch: number, valAcc: number | null = null) => ({
  ...{
    epoch,
    trainLoss: 0.5,
    trainAcc: 0.75,
    valLoss: 0.25,
    valAcc,
    testLoss: null,
    testAcc: null,
  },
  ...{ lr: 0.1, examplesPerSecond: 10, seconds: 2, waited: 0.125 },
});

/** After so many steps, two in an epoch; the best epoch is the first. */
function stateAfter(steps: number): TrainingState {
  const epochs = Array.from({ length: Math.floor(steps / 2) }, (_, i) => epoch(i + 1, 0.5));
  const progress: Progress = {
    epoch: epochs.length + 1,
    batch: steps % 2,
    sums: { loss: 0, correct: 0, examples: 0 },
    clock: { learning: 0, passed: 0, waited: 0 },
    learnt: { examples: 0, seconds: 0 },
    steps: Array.from({ length: steps }, (_, i) => step(i + 1)),
    epochs,
    curve: [],
    best: { record: epochs[0] ?? null, since: 0 },
    rate: { target: 0.1, lr: 0.1, schedule: null },
    random: { seed: 0, step: steps },
  };
  return { progress, weights: weights(steps), optimizer: new Map() };
}

/** A run that was killed after three steps, with checkpoints after the second and the third. */
async function killed(options: RunFolderOptions = { images: images() }): Promise<void> {
  const folder = await RunFolder.create(path, config, false, options);
  folder.step(step(1));
  folder.step(step(2));
  folder.epoch(epoch(1, 0.5));
  await folder.keep(weights(2), "best");
  await folder.checkpoint(stateAfter(2));
  folder.step(step(3));
  await folder.checkpoint(stateAfter(3));
  folder.step(step(4));
  folder.close();
}

const [even, odd] = ["checkpoint-1.safetensors", "checkpoint-2.safetensors"];
const way = () => `start another run from its weights with --init ${path}`;
const otherRun = "is of another run, or of other settings or images than this one now has";

/** Steps that a resumed run has done, and what it warns of. */
async function resumed(now: object = config, options: RunFolderOptions = { images: images() }) {
  const warnings: string[] = [];
  const warn = (problem: string) => warnings.push(problem);
  const { folder, state } = await RunFolder.resume(path, now, { ...options, warn });
  folder.close();
  return { steps: state.progress.steps.length, warnings };
}

/** All files, with what is in them. */
async function contents(): Promise<Map<string, string>> {
  const names = (await readdir(path)).sort();
  const read = async (name: string) => [name, await readFile(join(path, name), "latin1")] as const;
  return new Map(await Promise.all(names.map(read)));
}

describe("RunFolder.resume", () => {
  it("goes on from the last checkpoint, for longer too", async () => {
    await killed();
    expect(await resumed({ ...config, epochs: 5, maxSteps: 9 })).toEqual({
      steps: 3,
      warnings: [],
    });
  });

  it("refuses images that have changed, and says which", async () => {
    await killed();
    const before = await contents();
    const refused = (now: string, problem: string) =>
      expect(resumed(config, { images: now })).rejects.toThrow(
        new DataError(
          path,
          `cannot go on: ${problem}; bring back the images with which the run began, or ${way()}`,
        ),
      );
    await refused(images(2), "cat/1.jpg has been changed");
    await refused(images(1) + images(1, "cat/2.jpg"), "cat/2.jpg was not among its images");
    expect(await contents()).toEqual(before);
    // without the list it is not known which
    await rm(join(path, "images.jsonl"));
    await expect(resumed(config, { images: images(2) })).rejects.toThrow(
      `${path}: has no checkpoint to go on with: ${join(path, odd)}: ${otherRun}`,
    );
    expect(await resumed()).toEqual({ steps: 3, warnings: [] });
    expect(await readFile(join(path, "images.jsonl"), "utf8")).toBe(images());
  });

  it("refuses other settings, and says which", async () => {
    await killed();
    await expect(resumed({ ...config, lr: 0.2 })).rejects.toThrow(
      new DataError(path, "cannot go on: its lr was 0.1, and is now 0.2"),
    );
  });

  it("goes on from the checkpoint before one of another run, and says so", async () => {
    await killed();
    const other = join(root, "b");
    const run = await RunFolder.create(other, { ...config, lr: 0.2 });
    for (const steps of [1, 2, 3, 4, 5]) await run.checkpoint(stateAfter(steps));
    run.close();
    await cp(join(other, even), join(path, odd)); // number 5, where 2 was
    expect(await resumed()).toEqual({
      steps: 2,
      warnings: [`${join(path, odd)}: ${otherRun}; going on from ${join(path, even)}`],
    });
    await rm(join(path, even));
    await expect(resumed()).rejects.toThrow(
      new DataError(
        path,
        `has no checkpoint to go on with: ${join(path, odd)}: ${otherRun}; ${way()}`,
      ),
    );
  });

  it("names a way out where no checkpoint is whole, or none is there", async () => {
    await killed();
    for (const name of [even, odd]) await appendFile(join(path, name), "x");
    const problem = async () => {
      const error = await resumed().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(DataError);
      return (error as DataError).message;
    };
    expect(await problem()).toMatch(`; ${way()}`);
    expect(await problem()).toMatch(
      /a: has no checkpoint to go on with: .*checkpoint-1.*checkpoint-2/,
    );
    await rm(join(path, "weights.safetensors"));
    expect(await problem()).toMatch(/; begin it again with --force$/);
    for (const name of [even, odd]) await rm(join(path, name));
    expect(await problem()).toBe(
      `${path}: holds no checkpoint of a training to go on with; begin it again with --force`,
    );
  });

  it("loses nothing where a log cannot be opened", async () => {
    await killed();
    for (const name of ["curves.svg", "report.html"]) await writeFile(join(path, name), "drawn");
    const events = (await readdir(path)).find((name) => name.startsWith("events."))!;
    const whole = await readFile(join(path, events));
    for (const [name, spoil] of [
      [events, () => writeFile(join(path, events), whole.subarray(0, 9))],
      [
        "metrics.jsonl",
        () => rm(join(path, "metrics.jsonl")).then(() => mkdir(join(path, "metrics.jsonl"))),
      ],
    ] as const) {
      await spoil();
      const rest = async () => [...(await readdir(path))].filter((each) => each !== name).sort();
      const before = await rest();
      await expect(resumed()).rejects.toThrow(join(path, name));
      expect(await rest()).toEqual(before);
      await writeFile(join(path, events), whole);
    }
    await rm(join(path, "metrics.jsonl"), { recursive: true });
    expect((await resumed()).steps).toBe(3);
    expect(await readdir(path)).not.toContain("report.html");
  });

  it("cuts the logs only when there is more to log", async () => {
    await killed();
    const log = await readFile(join(path, "metrics.jsonl"), "utf8");
    await resumed();
    expect(await readFile(join(path, "metrics.jsonl"), "utf8")).toBe(log);
    const { folder } = await RunFolder.resume(path, config, { images: images() });
    folder.epoch(epoch(2));
    folder.close();
    const lines = (await readFile(join(path, "metrics.jsonl"), "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => Object.keys(JSON.parse(line))[0])).toEqual([
      ...["step", "step", "epoch", "step", "epoch"],
    ]);
  });
});

describe("weights.safetensors of a run", () => {
  const file = () => join(path, "weights.safetensors");
  const told = async () => Object.fromEntries((await readSafetensorsHeader(file())).metadata);

  it("says of which run it is, and of which epoch", async () => {
    await killed();
    const { run, ...rest } = await told();
    expect(rest).toEqual({ format: "pt", epoch: "1", step: "2" });
    expect(run).toMatch(/^[0-9a-f]{64}$/);
    // the same of a run with the same settings elsewhere, for longer
    path = join(root, "b");
    const again = await RunFolder.create(path, { ...config, out: path, epochs: 9 }, false, {
      images: images(),
    });
    again.step(step(1));
    again.epoch(epoch(1));
    await again.finish({ weights: weights(1) });
    expect(await told()).toEqual({ format: "pt", epoch: "1", step: "1", run });
  });

  it("is the best before what is done again, where a checkpoint has kept it", async () => {
    await killed();
    const best = await readFile(file());
    const { folder, state } = await RunFolder.resume(path, config, { images: images() });
    await folder.checkpoint(state, { keepBest: true });
    folder.epoch(epoch(2, 0.9));
    await folder.keep(weights(7), "best");
    folder.close();
    expect((await readWeightsFile(file())).get("w")!.data).toEqual(Float32Array.of(7));
    await resumed();
    expect((await readFile(file())).equals(best)).toBe(true);
  });
});
