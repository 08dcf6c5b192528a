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

async function measured(...args: string[]): Promise<[first: Measured, last: Measured]> {
  const { code, out, err } = await run(process.execPath, ["--expose-gc", program, ...args]);
  expect([code, err]).toEqual([0, ""]);
  if (long) console.log(`${args.join(" ")}\n${out}`);
  const lines = out.trimEnd().split("\n");
  return [JSON.parse(lines[0]!), JSON.parse(lines.at(-1)!)];
}

/**
 * What a process takes once and for all (JavaScript that is compiled when it has run often, the C library's
 * heaps) was up to 20 MiB in LeNet's first 500 steps, and 9 MiB from the 20th plan to the 100th; after that
 * little is left. One batch of LeNet's images a step would be three times what is allowed.
 */
const allowed = { resident: 16 * MiB, heap: 2 * MiB };

async function expectFlat(...args: string[]): Promise<void> {
  const [first, last] = await measured(...args);
  expect(last.count).toBeGreaterThan(first.count);
  expect(first.held).toBeGreaterThan(0);
  expect(last.held).toBe(first.held);
  expect(last.heap - first.heap).toBeLessThan(allowed.heap);
  expect(last.resident - first.resident).toBeLessThan(allowed.resident);
}

it("of LeNet after 1,000 steps is that after 500", { timeout }, async () => {
  await expectFlat("steps", "lenet", "128", "28", "500,1000");
});

it(long ? "of AlexNet after 1,000 steps is that after 100" : "of a small AlexNet stays, too", {
  timeout,
}, async () => {
  const plan = long ? ["128", "224", "100,1000"] : ["2", "65", "15,45"];
  await expectFlat("steps", "alexnet", ...plan);
});

it("after 100 plans, of which each is dropped, is that after 20", { timeout }, async () => {
  await expectFlat("plans", "lenet", "64", "28", "20,100");
});
