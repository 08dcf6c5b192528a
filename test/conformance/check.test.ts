// The suite's own check must notice what it is for: a wrong element, a neighbour touched, bits that
// depend on the number of threads.

import { expect, it } from "vitest";
import type { Backend } from "../../src/backends/backend.js";
import { openReference } from "../../src/backends/reference/index.js";
import { CaseBuilder, plain } from "./build.js";
import { check } from "./check.js";
import { rowMajor } from "./layout.js";

/** c = a·b, 2×3 times 3×2, its four elements from element 1 of its buffer on. */
function product() {
  const build = new CaseBuilder(5);
  const call = {
    kernel: "matmul" as const,
    batch: 1,
    m: 2,
    n: 2,
    k: 3,
    a: build.source([1, 2, 3], rowMajor(3), plain),
    b: build.source([1, 3, 2], rowMajor(3), plain),
    c: build.result([1, 2, 2], { ...rowMajor(3), lead: 1 }),
    activation: "none" as const,
  };
  return build.sumOfProducts(call, call, 3);
}

/** The reference, but for one element that it hands out of c's buffer (the one of 8 elements). */
function flawed(element: number, change: (value: number) => number): Backend {
  const backend = openReference();
  return {
    name: "flawed",
    description: "flawed",
    traits: backend.traits,
    availableMemory: () => undefined,
    scratchBytes: () => 0,
    allocate: (bytes) => backend.allocate(bytes),
    write: (buffer, data) => backend.write(buffer, data),
    load: (program) => backend.load(program),
    close: () => backend.close(),
    read: async (buffer) => {
      const content = await backend.read(buffer);
      const c = new Float32Array(content);
      if (buffer.bytes === 32) c[element] = change(c[element]!);
      return content;
    },
  };
}

const oneUlp = (value: number) => value * (1 + 2 ** -23);

it("takes what is right, or off by no more than rounding", async () => {
  await check(product(), [openReference()]);
  await check(product(), [flawed(1, oneUlp)]);
});

it("notices a wrong element, NaN among them", async () => {
  const wrong = flawed(2, (value) => value + 1e-5);
  await expect(check(product(), [wrong])).rejects.toThrow(
    /flawed: matmul: buffer 2, element 2: exp/,
  );
  const missing = flawed(4, () => NaN);
  await expect(check(product(), [missing])).rejects.toThrow(/element 4: .*, got NaN/);
});

it("notices a neighbour that was touched", async () => {
  for (const neighbour of [0, 5, 7]) {
    const greedy = flawed(neighbour, () => 0);
    await expect(check(product(), [greedy])).rejects.toThrow(
      `element ${neighbour}: not to be touched: 12345.677734375, got 0`,
    );
  }
});

it("notices bits that differ between thread counts", async () => {
  const other = flawed(1, oneUlp);
  await expect(check(product(), [openReference(), other])).rejects.toThrow(
    /flawed: buffer 2, element 1: .* with another number of threads/,
  );
});
