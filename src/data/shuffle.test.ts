import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { permutation } from "./shuffle.js";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("permutation", () => {
  it("holds every index once, and is the same every time", () => {
    fc.assert(
      fc.property(fc.nat(300), uint32, uint32, (count, seed, epoch) => {
        const order = permutation(count, seed, epoch);
        expect([...order].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        expect(permutation(count, seed, epoch)).toEqual(order);
      }),
    );
  });

  it("differs by seed and by epoch", () => {
    const orders = [0, 1, 2].flatMap((seed) =>
      [0, 1, 2].map((epoch) => permutation(50, seed, epoch).join()),
    );
    expect(new Set(orders).size).toBe(9);
  });

  it("stays what it is: a run's seed means the same batches in every version", () => {
    expect([...permutation(10, 0, 0)]).toEqual([1, 9, 0, 2, 5, 6, 3, 7, 4, 8]);
  });

  it("gives every order of three equally often", () => {
    const seen = new Map<string, number>();
    const draws = 6000;
    for (let seed = 0; seed < draws; seed++) {
      const order = permutation(3, seed, 7).join();
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    // Chi-square with 5 degrees of freedom: 20.5 is passed once in a thousand.
    const expected = draws / 6;
    const chi = [...seen.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chi).toBeLessThan(20.5);
  });
});
