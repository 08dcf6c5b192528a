// Places in the arena: nothing that lives at the same time shares memory, and little is wasted.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argument, planOf } from "../../test/programs.js";
import { type Lifetime, pack } from "./memory.js";

const lifetimes = fc.array(
  fc.record({ bytes: fc.nat(2000), first: fc.nat(20), length: fc.nat(10) }),
  { maxLength: 30 },
);

describe("pack", () => {
  it("never lets buffers that live together overlap, and is never worse than one after another", () =>
    fc.assert(
      fc.property(lifetimes, (drawn) => {
        const all = new Map<number, Lifetime>(
          drawn.map(({ bytes, first, length }, i) => [i, { bytes, first, last: first + length }]),
        );
        const { offsets, bytes } = pack(all);
        const ends = [...all].map(([b, life]) => ({
          life,
          start: offsets.get(b)!,
          end: offsets.get(b)! + life.bytes,
        }));
        for (const [i, x] of ends.entries()) {
          expect(x.start % 64).toBe(0);
          expect(x.end).toBeLessThanOrEqual(bytes);
          for (const y of ends.slice(0, i)) {
            const together = x.life.first <= y.life.last && y.life.first <= x.life.last;
            if (together) expect(x.end <= y.start || y.end <= x.start).toBe(true);
          }
        }
        const sum = drawn.reduce((s, { bytes: b }) => s + Math.ceil(b / 64) * 64, 0);
        expect(bytes).toBeLessThanOrEqual(sum);
        // and never better than what lives at one time
        for (let at = 0; at <= 30; at++) {
          const living = ends.filter(({ life }) => life.first <= at && at <= life.last);
          expect(bytes).toBeGreaterThanOrEqual(living.reduce((s, { life }) => s + life.bytes, 0));
        }
      }),
      { seed: 5, numRuns: 300 },
    ));

  it("puts the largest first and fills the gaps", () => {
    const { offsets, bytes } = pack(
      new Map([
        [0, { bytes: 64, first: 0, last: 1 }],
        [1, { bytes: 256, first: 1, last: 2 }],
        [2, { bytes: 128, first: 2, last: 3 }],
        [3, { bytes: 256, first: 3, last: 4 }],
      ]),
    );
    expect([...offsets].sort()).toEqual([
      [0, 256],
      [1, 0],
      [2, 256],
      [3, 0],
    ]);
    expect(bytes).toBe(384);
  });
});

describe("apart", () => {
  const chain = () => {
    const w = argument([32, 32], 1);
    let y = argument([32, 32]);
    for (let i = 0; i < 10; i++) y = y.matmul(w);
    return [y.sum()];
  };
  const bytes = 32 * 32 * 4;
  const arenaOf = (apartBytes: number) =>
    planOf(chain, { lanes: 8, convolutions: ["direct"], apartBytes }).program;

  it("buffers never change hands while there are few bytes of them, as the backend counts few", () => {
    const { buffers, arenaBytes } = arenaOf(10 * bytes);
    expect(arenaBytes).toBe(10 * bytes);
    const offsets = buffers.flatMap((b) => (b.kind === "arena" ? [b.offset] : []));
    expect(new Set(offsets).size).toBe(10);
  });

  it("more than that is shared", () => {
    expect(arenaOf(10 * bytes - 1).arenaBytes).toBe(2 * bytes);
  });
});

describe("in place", () => {
  it("a long chain of stored programs lives in two buffers", () => {
    const plan = planOf(() => {
      let y = argument([32, 32]);
      for (let i = 0; i < 10; i++) y = y.exp().T;
      return [y.sum()];
    });
    expect(plan.program.arenaBytes).toBeLessThanOrEqual(2 * 32 * 32 * 4);
  });

  it("a program takes over the memory of what dies with it", () => {
    const plan = planOf(() => {
      const product = argument([64, 64]).matmul(argument([64, 64], 1));
      return [product.mul(2).add(1).sum(0), product.exp().sum(1)];
    });
    // the product, and two sums that are results themselves
    expect(plan.program.arenaBytes).toBe(64 * 64 * 4);
  });
});
