// Views in ONNX: strides over a row-major tensor, read back as slicing, permuting, reshaping and repeating.

import type { Node, Window } from "../../graph/node.js";
import { rowMajor, type Shape, sameShape, sizeOf } from "../../graph/shape.js";
import { type Expression, list, onnx } from "./expression.js";

/** The node as an expression; undefined if it is no view, or one that ONNX cannot express. */
export function view(node: Node): Expression | undefined {
  const x = node.inputs[0]!;
  const window = windowOf(node);
  if (!window) return undefined;
  const { shape } = window;
  if (isRowMajor(window)) {
    if (sameShape(shape, x.shape)) return x;
    if (sizeOf(shape) === sizeOf(x.shape)) return reshaped(x, x.shape, shape);
  }
  if (isRepetition(node, window)) return onnx("Expand", [x, list(shape)]);
  return strided(x, window);
}

/** What a node repeats along dimensions of size 1; the node itself if it is no repetition. */
export function unrepeated(node: Node): Node {
  let x = node;
  for (let window = windowOf(x); window && isRepetition(x, window); window = windowOf(x)) {
    x = x.inputs[0]!;
  }
  return x;
}

/** What the view sees of a row-major tensor. */
function windowOf(node: Node): Window | undefined {
  const { lower } = node.op;
  if (lower.kind !== "view") return undefined;
  const { shape } = node.inputs[0]!;
  return lower.view(node, { shape, offset: 0, strides: rowMajor(shape) });
}

function isRowMajor({ shape, offset, strides }: Window): boolean {
  const wanted = rowMajor(shape);
  return offset === 0 && strides.every((stride, d) => shape[d] === 1 || stride === wanted[d]);
}

/** NumPy's broadcasting, and nothing else. */
function isRepetition({ inputs: [x] }: Node, { shape, offset, strides }: Window): boolean {
  const ahead = shape.length - x!.shape.length;
  const own = rowMajor(x!.shape);
  return (
    ahead >= 0 &&
    offset === 0 &&
    shape.every((n, d) => {
      const from = x!.shape[d - ahead] ?? 1;
      if (n === 1) return from === 1;
      return from === 1 ? strides[d] === 0 : from === n && strides[d] === own[d - ahead];
    })
  );
}

const reshaped = (x: Expression, from: Shape, to: Shape): Expression =>
  to.length === 2 && from.length > 2 && from[0] === to[0]
    ? onnx("Flatten", [x], { axis: 1 })
    : onnx("Reshape", [x, list(to)]);

/**
 * Any part of each dimension, dimensions in any order, some repeated: x is sliced, then permuted, then the
 * dimensions of size 1 are put where they belong, then repeated.
 */
function strided(x: Node, { shape, offset, strides }: Window): Expression | undefined {
  const own = rowMajor(x.shape);
  // where each dimension of the result comes from: the one whose elements lie that far apart
  const from = shape.map((n, d) =>
    n === 1 || strides[d] === 0
      ? undefined
      : x.shape.findIndex(
          (size, i) => size > 1 && own[i]! <= strides[d]! && strides[d]! < own[i]! * size,
        ),
  );
  const used = from.filter((i) => i !== undefined);
  if (used.includes(-1) || new Set(used).size !== used.length) return undefined;

  const starts = x.shape.map((n, i) => Math.floor(offset / own[i]!) % Math.max(1, n));
  const steps = x.shape.map((_, i) => {
    const d = from.indexOf(i);
    return d < 0 ? 1 : strides[d]! / own[i]!;
  });
  const counts = x.shape.map((_, i) => {
    const d = from.indexOf(i);
    return d < 0 ? 1 : shape[d]!;
  });
  if (!steps.every(Number.isInteger)) return undefined;
  const axes = [...x.shape.keys()].filter((i) => counts[i] !== x.shape[i]);
  const at = (values: readonly number[]) => list(axes.map((i) => values[i]!));
  const ends = starts.map((start, i) => start + (counts[i]! - 1) * steps[i]! + 1);
  let y: Expression =
    axes.length === 0 ? x : onnx("Slice", [x, at(starts), at(ends), list(axes), at(steps)]);

  const rest = [...x.shape.keys()].filter((i) => !used.includes(i));
  const perm = [...used, ...rest];
  const sameRank = shape.length === x.shape.length;
  // with equal ranks, dimensions of size 1 take the places that are free
  const order = sameRank ? from.map((i) => i ?? rest.shift()!) : perm;
  if (order.some((i, d) => i !== d)) y = onnx("Transpose", [y], { perm: order });
  const single = shape.map((n, d) => (from[d] === undefined ? 1 : n));
  if (!sameRank) y = onnx("Reshape", [y, list(single)]);
  return sameShape(single, shape) ? y : onnx("Expand", [y, list(shape)]);
}
