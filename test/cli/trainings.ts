// Short trainings by the command, and what they leave in their folders.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { readSafetensors } from "../../src/formats/index.js";
import { fovea, type Outcome, root, temporaryFolder } from "./run.js";

export const subset: string = join(root, "data", "fashion-mnist-subset");
export const lenet: readonly string[] = [
  ...["train", "lenet", "--data-dir", subset, "--batch-size", "64"],
];
/** 5 steps an epoch. */
export const short: readonly string[] = [...lenet, "--limit-train", "320", "--limit-test", "50"];

type Line = Readonly<Record<string, number | null>>;

/** Runs by name, in a temporary folder of the test file's own. */
export function trainings() {
  const at = temporaryFolder();
  const tensors = (run: string, file = "weights.safetensors") =>
    readSafetensors(join(at(run), file));
  return {
    at,
    tensors,

    /** Trains into a run of that name; fails with what the command said. */
    async trained(run: string, ...args: readonly string[]): Promise<Outcome> {
      const outcome = await fovea([...args, "--out", at(run)]);
      expect(outcome.err).toMatch(/^(?!.*error)/s);
      expect(outcome.code).toBe(0);
      return outcome;
    },

    async metrics(run: string) {
      const text = await readFile(join(at(run), "metrics.jsonl"), "utf8");
      const lines = text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Line);
      const steps = lines.filter((line) => "step" in line);
      return { steps, epochs: lines.filter((line) => !("step" in line)) };
    },

    bytes: async (run: string, name: string, file?: string) =>
      Buffer.from((await tensors(run, file)).get(name)!.data.buffer),
  };
}
