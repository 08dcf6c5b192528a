// What the documents promise to run, runs.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root, run } from "./cli/run.js";

/** Runs a program of this repository, in which "fovea" is the package as built. */
const runExample = (file: string, ...args: string[]) =>
  run(process.execPath, [join(root, "scripts", "example.mjs"), file, ...args]);

test("the README's example learns, and takes 30 lines at most", async () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme)!;
  expect(code!.trimEnd().split("\n").length).toBeLessThanOrEqual(30);
  mkdirSync(join(root, "build"), { recursive: true });
  const folder = mkdtempSync(join(root, "build", "readme-"));
  try {
    const file = join(folder, "example.ts");
    const weights = join(folder, "net.safetensors");
    writeFileSync(file, code!.replace('"net.safetensors"', JSON.stringify(weights)));
    const { code: status, out, err } = await runExample(file);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toContain("(0): Conv2d(1, 16, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))");
    const [, accuracy] = /test accuracy (0\.\d+), \d+ examples\/sec\n/.exec(out)!;
    expect(Number(accuracy)).toBeGreaterThan(0.75);
    expect(readFileSync(weights).length).toBeGreaterThan(100_000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("examples/fashion-mnist.ts learns, and takes 50 lines at most", async () => {
  const file = join(root, "examples", "fashion-mnist.ts");
  expect(readFileSync(file, "utf8").trimEnd().split("\n").length).toBeLessThan(50);
  const { code: status, out, err } = await runExample(file, "2");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  const accuracies = [...out.matchAll(/test accuracy (0\.\d+)/g)].map((m) => Number(m[1]));
  expect(accuracies.length).toBe(2);
  expect(accuracies[1]).toBeGreaterThan(0.7);
  expect(out).toMatch(/\nAnkle boot → Ankle boot\n/);
});
