// Random chains of views, assemblies and arithmetic, as plain data (so that fast-check can shrink and
// print them), carried out both by tensors and by plain arrays.

import fc from "fast-check";
import { cat, stack, type Tensor } from "../../../src/index.js";
import type { Nd } from "./nd.js";
import * as nd from "./nd.js";

/** One link. The numbers are reduced to what fits the shape that has been reached. */
export interface Link {
  readonly kind: (typeof kinds)[number];
  readonly a: number;
  readonly b: number;
}
const kinds = [
  "reshape",
  "permute",
  "slice",
  "expand",
  "pad",
  "cat",
  "stack",
  "scale",
  "relu",
  "addRow",
  "reduce",
  "max",
  "centre",
] as const;

export interface Chain {
  readonly shape: readonly number[];
  readonly links: readonly Link[];
}

export const chains: fc.Arbitrary<Chain> = fc.record({
  shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
  links: fc.array(
    fc.record({ kind: fc.constantFrom(...kinds), a: fc.nat(1000), b: fc.nat(1000) }),
    { minLength: 1, maxLength: 7, size: "max" },
  ),
});

/** A link carried out by tensors and by arrays. */
interface Step {
  tensor(x: Tensor): Tensor;
  array(x: Nd): Nd;
}

/** Elements at most. */
const most = 400;
/** Odd enough that no value comes to lie on a kink (0, or its equal under a maximum). */
const off = 0.61803;
const size = (shape: readonly number[]) => shape.reduce((p, n) => p * n, 1);

/** An order of n things that depends on k. */
function orderOf(k: number, n: number): number[] {
  const rest = Array.from({ length: n }, (_, d) => d);
  const order: number[] = [];
  for (let left = k; rest.length > 0; left = Math.floor(left / 3) + 1)
    order.push(...rest.splice(left % rest.length, 1));
  return order;
}

/** `count` split into factors, depending on k. */
function factors(count: number, k: number): number[] {
  const out: number[] = [];
  let rest = count;
  for (let d = 2 + (k % 5); out.length < 3 && rest > 1; d--) {
    if (d < 2) break;
    if (rest % d === 0) {
      out.push(d);
      rest /= d;
    }
  }
  out.splice(k % (out.length + 1), 0, rest);
  return out;
}

function stepOf({ kind, a, b }: Link, shape: readonly number[]): Step | undefined {
  const rank = shape.length;
  const axis = rank === 0 ? 0 : a % rank;
  switch (kind) {
    case "reshape": {
      const wanted = factors(size(shape), a);
      return { tensor: (x) => x.reshape(wanted), array: (x) => nd.reshape(x, wanted) };
    }
    case "permute": {
      const order = orderOf(a, rank);
      return { tensor: (x) => x.permute(order), array: (x) => nd.permute(x, order) };
    }
    case "slice": {
      if (rank === 0) return undefined;
      const start = b % shape[axis]!;
      const step = 1 + ((a + b) % 3);
      const ranges = shape.map((n, d) =>
        d === axis ? ([start, n, step] as const) : ([0, n, 1] as const),
      );
      return { tensor: (x) => x.slice(...ranges), array: (x) => nd.slice(x, ranges) };
    }
    case "expand": {
      if (rank > 3 || size(shape) * 3 > most) return undefined;
      const at = b % (rank + 1);
      const once = [...shape.slice(0, at), 1, ...shape.slice(at)];
      const wanted = once.map((n, d) => (d === at ? 2 + (a % 2) : n));
      return {
        tensor: (x) => x.unsqueeze(at).expand(wanted),
        array: (x) => nd.expand(nd.reshape(x, once), wanted),
      };
    }
    case "pad": {
      if (rank === 0 || size(shape) * 3 > most) return undefined;
      const [before, after] = [b % 2, 1 + (a % 2)];
      const side = (n: number) => shape.map((_, d) => (d === axis ? n : 0));
      const amounts = shape.flatMap((_, d) => (rank - 1 - d === axis ? [before, after] : [0, 0]));
      return {
        tensor: (x) => x.pad(amounts, 0.5),
        array: (x) => nd.pad(x, side(before), side(after), 0.5),
      };
    }
    case "cat": {
      if (rank === 0 || size(shape) * 2 > most) return undefined;
      const half = shape.map((n, d) =>
        d === axis ? ([0, Math.ceil(n / 2), 1] as const) : ([0, n, 1] as const),
      );
      return {
        tensor: (x) => cat([x, x.slice(...half)], axis),
        array: (x) => nd.cat([x, nd.slice(x, half)], axis),
      };
    }
    case "stack": {
      if (rank > 3 || size(shape) * 2 > most) return undefined;
      const at = b % (rank + 1);
      const once = [...shape.slice(0, at), 1, ...shape.slice(at)];
      return {
        tensor: (x) => stack([x, x.mul(2)], at),
        array: (x) => nd.cat([nd.reshape(x, once), nd.map(nd.reshape(x, once), (v) => 2 * v)], at),
      };
    }
    case "scale":
      return { tensor: (x) => x.mul(0.75), array: (x) => nd.map(x, (v) => 0.75 * v) };
    case "relu":
      return { tensor: (x) => x.relu(), array: (x) => nd.map(x, (v) => Math.max(v, 0)) };
    case "addRow": {
      if (rank === 0) return undefined;
      const row = shape.map((n, d) => (d === axis ? ([0, 1, 1] as const) : ([0, n, 1] as const)));
      return {
        tensor: (x) => x.add(x.slice(...row)),
        array: (x) => nd.zip(x, nd.slice(x, row), (u, v) => u + v),
      };
    }
    case "reduce": {
      if (rank === 0) return undefined;
      const dims = [...shape.keys()].filter((d) => ((a >> d) & 1) === 1);
      return { tensor: (x) => x.mean(dims), array: (x) => nd.reduce(x, dims, nd.average) };
    }
    case "max": {
      if (rank === 0) return undefined;
      return { tensor: (x) => x.max(axis), array: (x) => nd.reduce(x, [axis], nd.most) };
    }
    case "centre": {
      if (rank === 0) return undefined;
      const kept = shape.map((n, d) => (d === axis ? 1 : n));
      return {
        tensor: (x) => x.sub(x.mean(axis, true).mul(off)),
        array: (x) =>
          nd.zip(x, nd.reshape(nd.reduce(x, [axis], nd.average), kept), (u, v) => u - off * v),
      };
    }
  }
}

/** The whole chain, both ways. Links that do not fit are left out. */
export function carryOut({ shape, links }: Chain): Step {
  const steps: Step[] = [];
  let reached: Nd = nd.fill(shape, () => 0);
  for (const link of links) {
    const step = stepOf(link, reached.shape);
    if (!step) continue;
    steps.push(step);
    reached = step.array(reached);
  }
  return {
    tensor: (x) => steps.reduce((y, step) => step.tensor(y), x),
    array: (x) => steps.reduce((y, step) => step.array(y), x),
  };
}
