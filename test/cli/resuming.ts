// What the tests of trainings that are ended and go on have in common.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { main, type Outcome, root } from "./run.js";

const subset = join(root, "data", "fashion-mnist-subset");
/** A training of 5 steps an epoch. */
export const lenet: readonly string[] = [
  ...["train", "lenet", "--data-dir", subset, "--batch-size", "32", "--threads", "1"],
  ...["--limit-train", "160", "--limit-test", "50"],
];

/** Starts `fovea`, and calls `during` with each piece of what it prints on stderr or stdout. */
export const watched = (
  args: readonly string[],
  during: (text: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Outcome> => watchedProgram(process.execPath, [main, ...args], during);

/** As `watched`, for any program. */
export function watchedProgram(
  command: string,
  args: readonly string[],
  during: (text: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    const hear = (text: string) => during(text, (signal) => child.kill(signal));
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
      hear(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
      hear(text);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** The log, without what is a matter of time. */
export const logOf = async (folder: string): Promise<Record<string, unknown>[]> =>
  (await readFile(join(folder, "metrics.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { seconds, waited, examplesPerSecond, ...rest } = JSON.parse(line);
      return rest;
    });

export const bytesOf = (folder: string, file = "weights.safetensors"): Promise<Buffer> =>
  readFile(join(folder, file));
