// Sums, maxima and their positions over some dimensions.

import { ArgumentError, DTypeError } from "../errors.js";
import { make, type Node, type Op } from "../graph/node.js";
import { normalizeDims, sizeOf } from "../graph/shape.js";
import { cast, div, eq, mul, sub } from "./elementwise.js";
import { constant } from "./leaf.js";
import { expand, reshape } from "./movement.js";

type ReduceName = "sum" | "max" | "argmax";

function reduceOp(
  name: ReduceName,
  gradient?: Op<{ dims: readonly number[] }>["gradient"],
): Op<{ dims: readonly number[] }> {
  return {
    name,
    // reduced dimensions stay, with size 1; `squeeze` drops them
    infer: ([x], { dims }) => ({
      shape: x!.shape.map((n, d) => (dims.includes(d) ? 1 : n)),
      dtype: name === "argmax" ? "i32" : x!.dtype,
    }),
    ...(gradient && { gradient }),
    lower: { kind: "reduce", reduce: () => name, axes: ({ attrs: { dims } }) => dims },
  };
}

const reduceOps: Record<ReduceName, Op<{ dims: readonly number[] }>> = {
  sum: reduceOp("sum", (g, { inputs: [x] }) => [expand(g, x!.shape)]),
  // shared equally among all that reach the maximum, as PyTorch's amax does
  max: reduceOp("max", (g, node) => {
    const x = node.inputs[0]!;
    const reached = cast(eq(x, expand(node, x.shape)), "f32");
    return [mul(reached, expand(div(g, sum(reached, node.attrs.dims, true)), x.shape))];
  }),
  argmax: reduceOp("argmax"),
};

function reduce(
  name: ReduceName,
  x: Node,
  dims: number | readonly number[] | undefined,
  keepDim: boolean,
): Node {
  const input = x.dtype === "u8" ? cast(x, "i32") : x;
  const axes = normalizeDims(name, dims, x.shape.length);
  if (name !== "sum" && axes.some((d) => x.shape[d] === 0)) {
    throw new ArgumentError(name, "there is no largest of no elements");
  }
  const kept = axes.length === 0 ? input : make(reduceOps[name], [input], { dims: axes });
  return keepDim
    ? kept
    : reshape(
        kept,
        x.shape.filter((_, d) => !axes.includes(d)),
      );
}

type Dims = number | readonly number[] | undefined;

/** The sum over `dims` (all, if undefined). u8 adds up as i32. */
export const sum = (x: Node, dims?: Dims, keepDim = false): Node => reduce("sum", x, dims, keepDim);

/** The largest value over `dims`. */
export const amax = (x: Node, dims?: Dims, keepDim = false): Node =>
  reduce("max", x, dims, keepDim);

/** The position of the first largest value, along one dimension or in the flattened tensor; i32. */
export function argmax(x: Node, dim?: number, keepDim = false): Node {
  return reduce("argmax", x, dim, keepDim);
}

/** The mean over `dims`; f32 only. */
export function mean(x: Node, dims?: Dims, keepDim = false): Node {
  if (x.dtype !== "f32")
    throw new DTypeError("mean", `expects f32, got ${x.dtype}; convert it with .float()`);
  const count = sizeOf(normalizeDims("mean", dims, x.shape.length).map((d) => x.shape[d]!));
  return div(sum(x, dims, keepDim), constant(count));
}

/** The variance over `dims`, divided by n - correction. */
export function variance(x: Node, dims: Dims, correction: number, keepDim = false): Node {
  const count = sizeOf(normalizeDims("var", dims, x.shape.length).map((d) => x.shape[d]!));
  const centred = sub(x, mean(x, dims, true));
  return div(sum(mul(centred, centred), dims, keepDim), constant(Math.max(0, count - correction)));
}
