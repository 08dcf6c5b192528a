// fovea train --resume with more steps than the run was begun for. (More epochs: resume.test.ts.)

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readSafetensorsHeader } from "../../src/formats/safetensors-file.js";
import { bytesOf, lenet, logOf } from "./resuming.js";
import { fovea, temporaryFolder } from "./run.js";

const at = temporaryFolder();
/** So many commands, on a machine that may be busy. */
const slow = { timeout: 300_000 };
/** The best epoch changes from one to the next, so that weights are kept and replaced. */
const options = [...lenet, "--val-fraction", "0.2", "--lr", "0.01", "--optimizer", "adam"];

it("goes on for more steps as if they had been asked for, also within an epoch", slow, async () => {
  // 4 steps an epoch
  const steps = (count: number, out: string) =>
    fovea([...options, "--epochs", "6", "--max-steps", `${count}`, "--out", out]);
  expect((await steps(17, at("whole"))).code).toBe(0);
  const folder = at("limited");
  expect((await steps(6, folder)).code).toBe(0);
  const log = await logOf(folder);
  expect(log.map(({ step, epoch }) => step ?? `epoch ${epoch}`)).toEqual([
    ...[1, 2, 3, 4, "epoch 1", 5, 6, "epoch 2"],
  ]);
  const best = await bytesOf(folder);

  const again = await fovea(["train", "--resume", folder]);
  expect(again.err).toContain("\nall 6 steps of this run are done; give --max-steps for more\n");
  expect(again.code).toBe(0);
  expect(await logOf(folder)).toEqual(log);
  expect((await bytesOf(folder)).equals(best)).toBe(true);

  for (const more of [8, 11, 17]) {
    const longer = await fovea(["train", "--resume", folder, "--max-steps", `${more}`]);
    expect(longer.err).toMatch(/\ngoing on after step \d+, in epoch \d of 6\n/);
    expect(longer.code).toBe(0);
  }
  expect(await logOf(folder)).toEqual(await logOf(at("whole")));
  for (const file of ["weights.safetensors", "last.safetensors"])
    expect((await bytesOf(folder, file)).equals(await bytesOf(at("whole"), file))).toBe(true);
  const { metadata } = await readSafetensorsHeader(join(folder, "last.safetensors"));
  expect(Object.fromEntries(metadata)).toMatchObject({ format: "pt", epoch: "5", step: "17" });
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  expect(config.maxSteps).toBe(17);
});
