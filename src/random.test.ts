// Random numbers: their distribution, and what they depend on: seed, number of the draw, stream and
// position, nothing else.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  compile,
  manualSeed,
  nn,
  ones,
  openReference,
  rand,
  randn,
  randomState,
  setBackend,
  setRandomState,
  type Tensor,
  tensor,
} from "./index.js";

const F = nn.functional;
const backend = openReference();
beforeAll(() => setBackend(backend));
afterAll(() => backend.close());

const n = 40_000;
const average = (data: ArrayLike<number>, fn: (v: number, i: number) => number) =>
  (Array.prototype.reduce.call(
    data,
    (sum, v, i) => (sum as number) + fn(v as number, i),
    0,
  ) as number) / data.length;

// An average of n draws is within 5 standard deviations of what it should be (the seed is fixed).
describe("distribution", () => {
  it("rand: uniform in [0, 1)", async () => {
    manualSeed(1);
    const x = await rand([n]).data();
    expect(x.every((v) => v >= 0 && v < 1)).toBe(true);
    const near = (value: number, wanted: number, deviation: number) =>
      expect(Math.abs(value - wanted)).toBeLessThan((5 * deviation) / Math.sqrt(n));
    near(
      average(x, (v) => v),
      1 / 2,
      Math.sqrt(1 / 12),
    );
    near(
      average(x, (v) => v * v),
      1 / 3,
      Math.sqrt(4 / 45),
    );
    for (let bin = 0; bin < 16; bin++)
      near(
        average(x, (v) => (Math.floor(v * 16) === bin ? 1 : 0)),
        1 / 16,
        Math.sqrt(15 / 256),
      );
    // neighbours, and neighbours at a distance, know nothing of each other: E[uv] = 1/4
    for (const lag of [1, 2, 64, 4096])
      near(
        average(x, (v, i) => v * x[(i + lag) % n]!),
        1 / 4,
        Math.sqrt(1 / 9 - 1 / 16),
      );
  });

  it("randn: standard normal", async () => {
    manualSeed(2);
    const x = await randn([n]).data();
    const near = (value: number, wanted: number, deviation: number) =>
      expect(Math.abs(value - wanted)).toBeLessThan((5 * deviation) / Math.sqrt(n));
    near(
      average(x, (v) => v),
      0,
      1,
    );
    near(
      average(x, (v) => v * v),
      1,
      Math.sqrt(2),
    );
    near(
      average(x, (v) => v ** 3),
      0,
      Math.sqrt(15),
    );
    near(
      average(x, (v) => v ** 4),
      3,
      Math.sqrt(96),
    );
    near(
      average(x, (v) => (Math.abs(v) > 1.96 ? 1 : 0)),
      0.05,
      Math.sqrt(0.05 * 0.95),
    );
    expect(x.every(Number.isFinite)).toBe(true);
  });

  it("dropout: the share p becomes 0, the rest grows", async () => {
    manualSeed(3);
    const x = await F.dropout(ones([n]), 0.3).data();
    const kept = Math.fround(1 / 0.7);
    expect(x.every((v) => v === 0 || v === kept)).toBe(true);
    const share = average(x, (v) => (v === 0 ? 1 : 0));
    expect(Math.abs(share - 0.3)).toBeLessThan((5 * Math.sqrt(0.21)) / Math.sqrt(n));
  });
});

describe("dropout", () => {
  it("does nothing while evaluating or with p = 0, and all with p = 1", async () => {
    const x = tensor([1, 2]);
    expect(F.dropout(x, 0.5, false)).toBe(x);
    expect(F.dropout(x, 0)).toBe(x);
    expect(await F.dropout(x, 1).tolist()).toEqual([0, 0]);
    const net = new nn.Sequential(new nn.Dropout(0.5)).eval();
    expect(net(x)).toBe(x);
  });

  it("drops the same elements forward and backward, and others at each step and in each layer", async () => {
    manualSeed(4);
    const p = new nn.Parameter(ones([1000]), "p");
    const step = compile(() => {
      const [a, b] = [F.dropout(p), F.dropout(p)];
      a.sum().backward();
      return { a, b, grad: p.grad! };
    });
    const first = await step();
    const [a, b] = [await first.a.data(), await first.b.data()];
    expect(await first.grad.data()).toEqual(a);
    expect(a).not.toEqual(b);
    expect(await (await step()).a.data()).not.toEqual(a);
    manualSeed(4);
    expect(await (await step()).a.data()).toEqual(a);
  });
});

describe("what they depend on", () => {
  it("the seed and the number of the draw", async () => {
    manualSeed(5);
    const [a, b] = [await rand([8]).data(), await rand([8]).data()];
    expect(a).not.toEqual(b);
    manualSeed(5);
    expect(await rand([8]).data()).toEqual(a);
    const state = randomState();
    expect(state).toEqual({ seed: 5, step: 1 });
    expect(await rand([8]).data()).toEqual(b);
    manualSeed(6);
    expect(await rand([8]).data()).not.toEqual(a);
    setRandomState(state);
    expect(await rand([8]).data()).toEqual(b);
  });

  it("not on when they are read", async () => {
    manualSeed(5);
    const [a, b] = [rand([8]), rand([8])];
    const late = await b.data();
    const early = await a.data();
    manualSeed(5);
    expect(await rand([8]).data()).toEqual(early);
    expect(await rand([8]).data()).toEqual(late);
    expect(await a.data()).toEqual(early);
  });

  it("not on the shape: the numbers are those of the positions", async () => {
    manualSeed(5);
    const flat = await rand([12]).data();
    manualSeed(5);
    expect(await rand([3, 4]).data()).toEqual(flat);
    manualSeed(5);
    const x: Tensor = rand([3, 4]).T;
    const turned = await x.data();
    expect(turned[1]).toBe(flat[4]);
  });
});
