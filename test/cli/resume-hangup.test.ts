// A training whose terminal is closed ends as by SIGTERM, and goes on later; one that was started to outlive its
// terminal does so.

import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { bytesOf, lenet, logOf, watchedProgram } from "./resuming.js";
import { fovea, main, temporaryFolder } from "./run.js";

const at = temporaryFolder();
/** So many commands, on a machine that may be busy. */
const slow = { timeout: 300_000 };
const options = [...lenet, "--lr", "0.01", "--epochs", "14"];

/** A command in a terminal of its own (util-linux's script), which is gone when that is killed. */
const inTerminal = (args: readonly string[]) =>
  [
    "script",
    ["-qec", [process.execPath, main, ...args].map((arg) => `'${arg}'`).join(" "), "/dev/null"],
  ] as const;

/** Who writes to a run. */
const writer = async (folder: string): Promise<number> =>
  JSON.parse(await readFile(join(folder, ".lock"), "utf8")).pid;

it(
  "ends a training whose terminal hangs up, so that it goes on to the same bytes",
  slow,
  async () => {
    expect((await fovea([...options, "--out", at("whole")])).code).toBe(0);
    const folder = at("ended");
    let ended = false;
    const during = (end: (kill: (signal: NodeJS.Signals) => void) => void) => {
      ended = false;
      return (text: string, kill: (signal: NodeJS.Signals) => void) => {
        if (!/epoch \d+, loss/.test(text) || ended) return;
        ended = true;
        end(kill);
      };
    };

    const hangUp = async () => process.kill(await writer(folder), "SIGHUP");
    const first = await watchedProgram(
      ...inTerminal([...options, "--out", folder]),
      during(() => void hangUp()),
    );
    const stepsDone = async () => (await logOf(folder)).filter((line) => "step" in line).length;
    const steps = await stepsDone();
    expect(first.out).toContain(
      `\ninterrupted; fovea train --resume ${folder} goes on after step ${steps}\r\n`,
    );
    expect(first.code).toBe(129);

    // the terminal itself goes: nothing can be printed any more
    await watchedProgram(
      ...inTerminal(["train", "--resume", folder]),
      during((kill) => kill("SIGKILL")),
    );
    while (existsSync(join(folder, ".lock"))) await setTimeout(20);
    const saved = `\ngoing on after step ${await stepsDone()}, in epoch `;
    const later = await fovea(["train", "--resume", folder]);
    expect(later.code).toBe(0);
    expect(later.err).toContain(saved);
    expect(await logOf(folder)).toEqual(await logOf(at("whole")));
    expect((await bytesOf(folder)).equals(await bytesOf(at("whole")))).toBe(true);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  },
);

it("goes on where nohup has started it", slow, async () => {
  let told = false;
  const { code, out } = await watchedProgram(
    "nohup",
    [process.execPath, main, ...options],
    (text, kill) => {
      if (!text.includes("epoch 1, loss") || told) return;
      told = true;
      kill("SIGHUP");
    },
  );
  expect([told, code]).toEqual([true, 0]);
  expect(out).toContain("\nepoch 14, loss");
});
