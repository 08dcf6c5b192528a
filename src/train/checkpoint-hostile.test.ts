// Checkpoints that somebody has made by hand, with the right checksum.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { corpusOf, parsers } from "../../test/fuzz/parsers.js";
import { DataError } from "../errors.js";
import { encodeSafetensors, parseSafetensors, type StoredSource } from "../formats/safetensors.js";
import { readCheckpoint } from "./checkpoint.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-hostile-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What reading it says, of a checkpoint with other tensors, or other progress. */
async function outcome(
  tensors: Readonly<Record<string, StoredSource>>,
  progress: object | string = {},
): Promise<string> {
  const whole = parseSafetensors(corpusOf("checkpoint")[0]!.bytes);
  const notes = Object.fromEntries(whole.metadata);
  notes.progress =
    typeof progress === "string"
      ? progress
      : JSON.stringify({ ...JSON.parse(notes.progress!), ...progress });
  const changed = encodeSafetensors(
    Object.entries({ ...Object.fromEntries(whole.tensors), ...tensors }),
    notes,
  );
  const file = join(folder, "c");
  const sealed = parsers.checkpoint!.seal!(new Uint8Array(Buffer.concat(changed)), "c");
  await writeFile(file, sealed);
  try {
    return `${(await readCheckpoint(file)).progress.steps.length} steps`;
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as DataError).problem;
  }
}

it("are taken where they are whole", async () => {
  expect(await outcome({})).toBe("3 steps");
});

it("are refused where their steps have several lengths", async () => {
  const problem = "is no checkpoint of a training: its steps have several lengths";
  const one = { shape: [1], data: Float32Array.of(1) };
  expect(await outcome({ "steps.loss": one })).toBe(problem);
  expect(await outcome({ "steps.lr": { shape: [7], data: new Uint8Array(7) } })).toBe(problem);
  expect(await outcome({ "steps.epoch": { shape: [0], data: new Int32Array(0) } })).toBe(problem);
});

it("are refused where they have more steps than memory holds", async () => {
  const steps = 2 ** 24 + 1;
  const shape = [steps];
  const columns = {
    "steps.epoch": { shape, data: new Int32Array(steps) },
    "steps.loss": { shape, data: new Float32Array(steps) },
    "steps.lr": { shape: [steps, 8], data: new Uint8Array(8 * steps) },
    "steps.skipped": { shape, data: new Uint8Array(steps) },
  };
  expect(await outcome(columns)).toBe("has 16777217 steps; expected at most 16777216");
});

it("are refused with one problem, however many there are", async () => {
  expect(await outcome({}, { epochs: Array(100_000).fill(0) })).toBe(
    "is no checkpoint of a training: ✖ Invalid input: item 0 is none of these\n  → at epochs",
  );
});

it("are refused in words that a terminal does not act on", async () => {
  expect(await outcome({}, "\x1b[2J")).toMatch(/^is no checkpoint of a training: .*\\u001b\[2J/);
});
