// Sums, maxima and their positions over some dimensions.

import { ArgumentError, DTypeError } from "../errors.js";
import { make, type Node, type Op } from "../graph/node.js";
import { normalizeDims, sizeOf } from "../graph/shape.js";
import { expand, reshape, sumKept } from "./broadcast.js";
import { cast, div, eq, mul, sub } from "./elementwise.js";
import { constant } from "./leaf.js";

type ReduceName = "max" | "argmax";

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
  // shared equally among all that reach the maximum, as PyTorch's amax does
  max: reduceOp("max", (g, node) => {
    const x = node.inputs[0]!;
    const reached = cast(eq(x, expand(node, x.shape)), "f32");
    return [mul(reached, expand(div(g, sumKept(reached, node.attrs.dims)), x.shape))];
  }),
  argmax: reduceOp("argmax"),
};

type Dims = number | readonly number[] | undefined;

const integers = (x: Node) => (x.dtype === "u8" ? cast(x, "i32") : x);

/** Drops reduced dimensions, unless they are to stay. */
const dropped = (kept: Node, dims: readonly number[], keepDim: boolean): Node =>
  keepDim
    ? kept
    : reshape(
        kept,
        kept.shape.filter((_, d) => !dims.includes(d)),
      );

/** The sum over `dims` (all, if undefined). u8 adds up as i32. */
export function sum(x: Node, dims?: Dims, keepDim = false): Node {
  const axes = normalizeDims("sum", dims, x.shape.length);
  return dropped(sumKept(integers(x), axes), axes, keepDim);
}

/** The largest value over `dims`. */
export function amax(x: Node, dims?: Dims, keepDim = false): Node {
  const axes = nonEmpty("max", x, dims);
  return dropped(
    axes.length === 0 ? x : make(reduceOps.max, [integers(x)], { dims: axes }),
    axes,
    keepDim,
  );
}

/** The position of the first largest value, along one dimension or in the flattened tensor; i32. */
export function argmax(x: Node, dim?: number, keepDim = false): Node {
  const axes = nonEmpty("argmax", x, dim);
  if (axes.length === 0) return constant(0, "i32");
  return dropped(make(reduceOps.argmax, [integers(x)], { dims: axes }), axes, keepDim);
}

function nonEmpty(op: string, x: Node, dims: Dims): number[] {
  const axes = normalizeDims(op, dims, x.shape.length);
  if (axes.some((d) => x.shape[d] === 0))
    throw new ArgumentError(op, "there is no largest of no elements");
  return axes;
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
