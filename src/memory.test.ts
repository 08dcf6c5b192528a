// Memory that there is not: known before anything runs, with the batch that would fit.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile, MemoryError, openReference, setBackend, type Tensor, zeros } from "./index.js";

const MiB = 2 ** 20;
const backend = openReference();
let available = 0;

beforeAll(() => {
  const fake: { availableMemory(): number | undefined } = backend;
  fake.availableMemory = () => available;
  setBackend(backend);
});
afterAll(() => backend.close());

/** Per row of 1 MiB: a copy of the argument, one temporary, and next to nothing as a result. */
const rows = (n: number) => zeros([n, MiB / 4]);
const transposedSum = () =>
  compile((x: Tensor) =>
    x.reshape(x.shape[0]!, 512, 512).transpose(1, 2).exp().transpose(1, 2).exp().sum([1, 2]),
  );

async function problem(run: () => Promise<unknown>): Promise<MemoryError> {
  const error = await run().then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof MemoryError)) throw new Error(`expected a MemoryError, got ${error}`);
  return error;
}

describe("a plan that needs more memory than there is", () => {
  it("says how much, and which batch would fit", async () => {
    available = 5 * MiB;
    const step = transposedSum();
    const { neededBytes, availableBytes, largestBatch, message } = await problem(() =>
      step(rows(8)),
    );
    expect(neededBytes).toBe(step.plan(rows(8)).neededBytes);
    expect(availableBytes).toBe(5 * MiB);
    expect(largestBatch).toBeGreaterThan(0);
    expect(step.plan(rows(largestBatch!)).neededBytes).toBeLessThanOrEqual(available);
    expect(step.plan(rows(largestBatch! + 1)).neededBytes).toBeGreaterThan(available);
    expect(message).toBe(
      `memory: this needs ${Math.ceil(neededBytes / MiB)} MiB, and 5 MiB are free; a batch of ${largestBatch} would fit`,
    );
    const y = await step(rows(largestBatch!));
    expect(y.shape).toEqual([largestBatch]);
  });

  it("says so when not even one would, and in GiB where it is that much", async () => {
    available = 1000;
    expect((await problem(() => transposedSum()(rows(2)))).message).toMatch(
      /^memory: this needs \d+ MiB, and 1 MiB are free; not even a batch of 1 would fit: use smaller images, or a smaller network$/,
    );
    const huge = compile((x: Tensor) =>
      x
        .expand(1 << 20, 1 << 10)
        .exp()
        .sum(0),
    );
    expect(huge.plan(zeros([1, 1 << 10])).neededBytes).toBeLessThan(MiB); // nothing of it is stored
  });

  it("says so for a value that is read", async () => {
    available = 1000;
    const error = await problem(() => rows(4).add(1).T.exp().data());
    expect(error.message).toMatch(/ are free; use smaller tensors$/);
    expect(error.largestBatch).toBeUndefined();
  });

  it("says so for a function that takes no other batch", async () => {
    available = 1000;
    const fixed = compile((x: Tensor) =>
      x
        .reshape(4, 2, MiB / 8)
        .exp()
        .sum(),
    );
    expect((await problem(() => fixed(rows(4)))).message).toMatch(/; use smaller tensors$/);
  });

  it("runs where there is enough", async () => {
    available = 64 * MiB;
    expect((await transposedSum()(rows(2))).shape).toEqual([2]);
  });
});
