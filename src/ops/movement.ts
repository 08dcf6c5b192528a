// Ops that move or repeat elements without computing: views (other strides over the same memory) and
// assemblies (inputs copied into parts of a result).

import { ArgumentError, ShapeError } from "../errors.js";
import { make, type Node, type Op, type Window } from "../graph/node.js";
import {
  checkShape,
  normalizeDim,
  rowMajor,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
} from "../graph/shape.js";
import { sum } from "./reduce.js";

// ---------------------------------------------------------------- expand

const expandOp: Op<{ shape: Shape }> = {
  name: "expand",
  infer: ([x], { shape }) => ({ shape, dtype: x!.dtype }),
  // every element that was repeated receives the sum over its copies
  gradient: (g, { inputs: [x] }) => [sumTo(g, x!.shape)],
  lower: {
    kind: "view",
    view: ({ attrs: { shape } }, window) => {
      const ahead = shape.length - window.shape.length;
      const strides = shape.map((n, d) =>
        d < ahead || (window.shape[d - ahead] === 1 && n !== 1) ? 0 : window.strides[d - ahead]!,
      );
      return { shape, offset: window.offset, strides };
    },
  },
};

/** Repeats dimensions of size 1 (and adds dimensions in front) until the shape is reached. */
export function expand(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x;
  const ahead = shape.length - x.shape.length;
  if (ahead < 0 || !x.shape.every((n, d) => n === shape[d + ahead] || n === 1)) {
    throw new ShapeError(
      "expand",
      `${showShape(x.shape)} cannot be repeated to ${showShape(shape)}`,
      [x.shape, shape],
    );
  }
  return make(expandOp, [x], { shape });
}

/** The inverse of expand: sums until the shape is reached. */
export function sumTo(x: Node, shape: Shape): Node {
  const ahead = x.shape.length - shape.length;
  const dims = x.shape.flatMap((n, d) =>
    d < ahead || (shape[d - ahead] === 1 && n !== 1) ? [d] : [],
  );
  return reshape(dims.length > 0 ? sum(x, dims, true) : x, shape);
}

// ---------------------------------------------------------------- reshape

const reshapeOp: Op<{ shape: Shape }> = {
  name: "reshape",
  infer: ([x], { shape }) => ({ shape, dtype: x!.dtype }),
  gradient: (g, { inputs: [x] }) => [reshape(g, x!.shape)],
  lower: { kind: "view", view: ({ attrs: { shape } }, window) => reshapeWindow(window, shape) },
};

/** The same elements in row-major order; one dimension may be -1: what is left. */
export function reshape(x: Node, shape: Shape): Node {
  const wanted = resolveShape(x.shape, shape);
  if (sameShape(x.shape, wanted)) return x;
  const source = x.op === (reshapeOp as Op) ? x.inputs[0]! : x;
  return sameShape(source.shape, wanted) ? source : make(reshapeOp, [source], { shape: wanted });
}

function resolveShape(from: Shape, to: Shape): Shape {
  const size = sizeOf(from);
  const known = to.filter((n) => n !== -1);
  checkShape("reshape", known);
  let wanted = to;
  if (known.length === to.length - 1) {
    const rest = size / sizeOf(known);
    if (Number.isInteger(rest)) wanted = to.map((n) => (n === -1 ? rest : n));
  }
  if (wanted.includes(-1) || sizeOf(wanted) !== size) {
    throw new ShapeError(
      "reshape",
      `${showShape(from)} holds ${size} elements, ${showShape(to)} does not`,
      [from, to],
    );
  }
  return wanted;
}

/** Strides that read `window` as another shape, or undefined where only a copy can. */
function reshapeWindow(window: Window, shape: Shape): Window | undefined {
  if (sizeOf(shape) === 0) return { shape, offset: window.offset, strides: rowMajor(shape) };
  // merge neighbours that lie one after the other, then cut the runs anew
  const runs: { size: number; stride: number }[] = [];
  window.shape.forEach((n, d) => {
    if (n === 1) return;
    const stride = window.strides[d]!;
    const last = runs[runs.length - 1];
    if (last && last.stride === stride * n) {
      last.size *= n;
      last.stride = stride;
    } else {
      runs.push({ size: n, stride });
    }
  });
  const strides = new Array<number>(shape.length).fill(0);
  let run = runs.pop();
  let taken = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    const n = shape[d]!;
    if (n === 1) continue;
    if (run && taken === run.size) {
      run = runs.pop();
      taken = 1;
    }
    if (!run || run.size % (taken * n) !== 0) return undefined;
    strides[d] = run.stride * taken;
    taken *= n;
  }
  return { shape, offset: window.offset, strides };
}

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
  gradient: (g, { inputs, attrs: { starts, steps } }) =>
    inputs.map((x, i) =>
      slice(
        g,
        x.shape.map((n, d) => ({
          start: starts[i]![d]!,
          end: starts[i]![d]! + (n - 1) * steps[d]! + 1,
          step: steps[d]!,
        })),
      ),
    ),
  lower: {
    kind: "assemble",
    parts: ({ attrs: { starts, steps } }) =>
      starts.map((start, input) => ({ input, start, steps })),
    fill: ({ fill }) => fill,
  },
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
