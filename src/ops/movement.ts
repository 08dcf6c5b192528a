// Ops that move elements without computing: views (other strides over the same memory) and assemblies
// (inputs copied into parts of a result).

import { ArgumentError, ShapeError } from "../errors.js";
import { make, type Node, type Op } from "../graph/node.js";
import { checkShape, normalizeDim, type Shape, showShape } from "../graph/shape.js";

// ---------------------------------------------------------------- permute, slice

const permuteOp: Op<{ order: readonly number[] }> = {
  name: "permute",
  infer: ([x], { order }) => ({ shape: order.map((d) => x!.shape[d]!), dtype: x!.dtype }),
  gradient: (g, { attrs: { order } }) => [
    permute(
      g,
      order.map((_, d) => order.indexOf(d)),
    ),
  ],
  lower: {
    kind: "view",
    view: ({ shape, attrs: { order } }, window) => ({
      shape,
      offset: window.offset,
      strides: order.map((d) => window.strides[d]!),
    }),
  },
};

/** Dimensions in another order: result dimension d is dimension order[d]. */
export function permute(x: Node, order: readonly number[]): Node {
  const dims = order.map((d) => normalizeDim("permute", d, x.shape.length));
  if (new Set(dims).size !== x.shape.length || dims.length !== x.shape.length) {
    throw new ArgumentError(
      "permute",
      `[${order.join(", ")}] is not an order of ${x.shape.length} dimensions`,
    );
  }
  if (dims.every((d, i) => d === i)) return x;
  if (x.op !== (permuteOp as Op)) return make(permuteOp, [x], { order: dims });
  const { order: inner } = x.attrs as { order: readonly number[] };
  return permute(
    x.inputs[0]!,
    dims.map((d) => inner[d]!),
  );
}

/** One range per dimension: elements start, start + step, … before end. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

const sliceOp: Op<{ ranges: readonly Range[] }> = {
  name: "slice",
  infer: ([x], { ranges }) => ({ shape: ranges.map(rangeLength), dtype: x!.dtype }),
  gradient: (g, { inputs: [x], attrs: { ranges } }) => [unslice(g, x!.shape, ranges)],
  lower: {
    kind: "view",
    view: ({ shape, attrs: { ranges } }, window) => ({
      shape,
      offset: ranges.reduce((sum, { start }, d) => sum + start * window.strides[d]!, window.offset),
      strides: ranges.map(({ step }, d) => step * window.strides[d]!),
    }),
  },
};

const rangeLength = ({ start, end, step }: Range) => Math.max(0, Math.ceil((end - start) / step));

/** A part of each dimension. Bounds have been checked by the caller (Tensor.slice). */
export function slice(x: Node, ranges: readonly Range[]): Node {
  const whole = ranges.every(
    ({ start, end, step }, d) => start === 0 && step === 1 && end === x.shape[d],
  );
  return whole ? x : make(sliceOp, [x], { ranges });
}

// ---------------------------------------------------------------- assemblies

interface Assembly {
  readonly shape: Shape;
  readonly starts: readonly (readonly number[])[];
  readonly steps: readonly number[];
  /** What the rest holds; undefined where the inputs cover everything. */
  readonly fill: number | undefined;
}

const assembleOp: Op<Assembly> = {
  name: "assemble",
  infer: ([x], { shape }) => ({ shape, dtype: x!.dtype }),
  gradient: (g, whole) =>
    whole.inputs.map((_, index) =>
      make(partOp, [g, whole], { index, ranges: rangesOf(whole, index) }),
    ),
  lower: {
    kind: "assemble",
    parts: ({ attrs: { starts, steps } }) =>
      starts.map((start, input) => ({ input, start, steps })),
    fill: ({ fill }) => fill,
  },
};

/** Where an input of an assembly is. */
function rangesOf({ inputs, attrs }: Node<Assembly>, index: number): Range[] {
  return inputs[index]!.shape.map((n, d) => {
    const [start, step] = [attrs.starts[index]![d]!, attrs.steps[d]!];
    return { start, end: start + (n - 1) * step + 1, step };
  });
}

/** The slice of a gradient [g, whole] that an input of the whole receives. */
const partOp: Op<{ index: number; ranges: readonly Range[] }> = {
  name: "part",
  infer: ([g], { ranges }) => ({ shape: ranges.map(rangeLength), dtype: g!.dtype }),
  gradient: (g, { inputs: [from], attrs: { ranges } }) => [
    unslice(g, from!.shape, ranges),
    undefined,
  ],
  // worth while where all inputs are of one kind: then one pass over the whole serves all of them
  route: ({ inputs: [, whole], attrs }) => {
    const { inputs, attrs: assembly } = whole as Node<Assembly>;
    const far = inputs[attrs.index]!;
    const alike = assembly.fill === undefined && inputs.every((x) => x.op === far.op);
    return alike ? { far, near: whole!, of: (g) => make(partOp, [g, whole!], attrs) } : undefined;
  },
  lower: { kind: "composed", compose: ({ inputs: [g], attrs: { ranges } }) => slice(g!, ranges) },
};

/** Puts what was sliced back in its place, zeros around it. */
function unslice(g: Node, shape: Shape, ranges: readonly Range[]): Node {
  return make(assembleOp, [g], {
    shape,
    starts: [ranges.map((r) => r.start)],
    steps: ranges.map((r) => r.step),
    fill: 0,
  });
}

/** `before` and `after` elements of `value` added along each dimension. */
export function pad(
  x: Node,
  before: readonly number[],
  after: readonly number[],
  value: number,
): Node {
  if ([...before, ...after].every((n) => n === 0)) return x;
  const shape = x.shape.map((n, d) => before[d]! + n + after[d]!);
  checkShape("pad", [...before, ...after]);
  return make(assembleOp, [x], { shape, starts: [before], steps: shape.map(() => 1), fill: value });
}

/** Tensors one after the other along `dim`. */
export function concat(parts: readonly Node[], dim: number): Node {
  const first = parts[0];
  if (!first) throw new ArgumentError("cat", "expects at least one tensor");
  const axis = normalizeDim("cat", dim, first.shape.length);
  let length = 0;
  const starts = parts.map((part) => {
    const fits =
      part.shape.length === first.shape.length &&
      part.shape.every((n, d) => d === axis || n === first.shape[d]);
    if (!fits || part.dtype !== first.dtype) {
      throw new ShapeError(
        "cat",
        `tensors must agree in dtype and in every dimension but ${axis}, got ${first.dtype} ${showShape(first.shape)} and ${part.dtype} ${showShape(part.shape)}`,
        [first.shape, part.shape],
      );
    }
    const start = first.shape.map((_, d) => (d === axis ? length : 0));
    length += part.shape[axis]!;
    return start;
  });
  if (parts.length === 1) return first;
  const shape = first.shape.map((n, d) => (d === axis ? length : n));
  return make(assembleOp, parts, { shape, starts, steps: shape.map(() => 1), fill: undefined });
}
