// Equal nodes become one, and nothing else does.

import { describe, expect, it } from "vitest";
import { topological } from "../graph/node.js";
import { arange, full, rand, scalar, type Tensor, tensor } from "../index.js";
import { simplify } from "./simplify.js";

/** The nodes that are left of several results. */
const left = (...results: Tensor[]) => {
  const roots = results.map((t) => t.node);
  const replace = simplify(roots);
  return { nodes: topological(roots.map(replace)), roots: roots.map(replace) };
};
const same = (a: Tensor, b: Tensor) => {
  const { roots } = left(a, b);
  return roots[0] === roots[1];
};
const x = tensor([
  [1, 2],
  [3, 4],
]);

describe("simplify", () => {
  it("makes equal expressions one", () => {
    expect(same(x.mul(2).exp(), x.mul(2).exp())).toBe(true);
    expect(same(x.sum(0), x.sum([0]))).toBe(true);
    expect(same(x.slice([0, 1]), x.slice([0, -1]))).toBe(true);
    expect(same(arange(3).add(1), arange(3).add(1))).toBe(true);
  });

  it("keeps apart what differs in its op, its attributes or its inputs", () => {
    expect(same(x.mul(2), x.mul(3))).toBe(false);
    expect(same(x.sum(0, true), x.sum(1, true))).toBe(false);
    expect(same(x.sub(1), scalar(1).sub(x))).toBe(false);
    expect(same(x.T, x)).toBe(false);
    expect(same(full([2], 1, "i32"), full([2], 1))).toBe(false);
  });

  it("does not take NaN, the infinities and −0 for one another, nor for 0", () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0];
    const { roots } = left(...values.map((v) => x.maximum(v)));
    expect(new Set(roots).size).toBe(values.length);
    expect(same(x.maximum(Number.NaN), x.maximum(Number.NaN))).toBe(true);
  });

  it("keeps two draws apart, and two tensors of equal values", () => {
    expect(same(rand([2]), rand([2]))).toBe(false);
    expect(same(tensor([1]).exp(), tensor([1]).exp())).toBe(false);
  });

  it("drops + 0, · 1, − 0, / 1 and detach, also of what is broadcast", () => {
    for (const y of [
      x.add(0),
      scalar(0).add(x),
      x.mul(1),
      scalar(1).mul(x),
      x.sub(0),
      x.div(1),
      x.detach(),
    ])
      expect(same(y, x)).toBe(true);
    expect(same(scalar(0).sub(x), x)).toBe(false);
    expect(same(scalar(1).div(x), x)).toBe(false);
    // the sum has the other's shape
    expect(left(tensor([1]).add(full([3, 1], 0))).roots[0]!.shape).toEqual([3, 1]);
  });

  it("leaves nothing of a whole expression twice over", () => {
    const f = () => x.sub(x.mean(0, true)).square().sum();
    expect(left(f().add(f())).nodes.length).toBe(left(f().add(1)).nodes.length - 1);
  });
});
