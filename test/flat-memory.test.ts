// Memory that stays what it is, however many steps are made and however many plans come and go, measured in
// processes of their own. With FOVEA_LONG=1 AlexNet's plan is that of its source, and the figures are printed
// that docs/reliability.md tells of; without it images and batches are small.

import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { run } from "./cli/run.js";

const program = fileURLToPath(new URL("support/measure-memory.mjs", import.meta.url));
const long = process.env.FOVEA_LONG === "1";
const MiB = 2 ** 20;
/** On a machine that may be busy. */
const timeout = long ? 4 * 3600_000 : 300_000;

interface Measured {
  readonly count: number;
  /** Of the process, in bytes; of the addon's buffers; of the JavaScript heap. */
  readonly resident: number;
  readonly held: number;
  readonly heap: number;
}

async function measured(...args: string[]): Promise<Measured[]> {
  const { code, out, err } = await run(process.execPath, ["--expose-gc", program, ...args]);
  expect([code, err]).toEqual([0, ""]);
  if (long) console.log(`${args.join(" ")}\n${out}`);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/**
 * Between one count and the next. What a process takes once and for all (JavaScript that is compiled when it has
 * run often, V8's young generation, which goes from 1 MiB to 32 MiB at some step or never) falls into one of the
 * spans, and what is not given back at each step into all of them: so the span that took least is looked at.
 * There, one batch of LeNet's images a step would be three times what is allowed.
 */
const allowed = { resident: 16 * MiB, heap: 2 * MiB };

async function expectFlat(...args: string[]): Promise<void> {
  const counts = await measured(...args);
  expect(counts.length).toBeGreaterThan(1);
  expect(counts[0]!.held).toBeGreaterThan(0);
  expect(new Set(counts.map(({ held }) => held)).size).toBe(1);
  expect(leastGrowth(counts.map(({ heap }) => heap))).toBeLessThan(allowed.heap);
  expect(leastGrowth(counts.map(({ resident }) => resident))).toBeLessThan(allowed.resident);
}

function leastGrowth(bytes: readonly number[]): number {
  return Math.min(...bytes.slice(1).map((later, i) => later - bytes[i]!));
}

it("of LeNet stays what it is over 2,000 steps", { timeout }, async () => {
  await expectFlat("steps", "lenet", "128", "28", "500,1000,1500,2000");
});

it(long ? "of AlexNet stays over 1,000 steps" : "of a small AlexNet stays, too", {
  timeout,
}, async () => {
  const plan = long ? ["128", "224", "100,400,700,1000"] : ["2", "65", "15,30,45,60"];
  await expectFlat("steps", "alexnet", ...plan);
});

it("stays over 140 plans, of which each is dropped", { timeout }, async () => {
  await expectFlat("plans", "lenet", "64", "28", "20,60,100,140");
});
