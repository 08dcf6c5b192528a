// Repeating, summing and reshaping: three ops that are each other's gradients. Broadcasting is a view
// with strides of 0, so that no elementwise op has to think about it.

import { ShapeError } from "../errors.js";
import { make, type Node, type Op, type Window } from "../graph/node.js";
import { checkShape, rowMajor, type Shape, sameShape, showShape, sizeOf } from "../graph/shape.js";

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
  checkShape("expand", shape);
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

// ---------------------------------------------------------------- sum

const sumOp: Op<{ dims: readonly number[] }> = {
  name: "sum",
  infer: ([x], { dims }) => ({
    shape: x!.shape.map((n, d) => (dims.includes(d) ? 1 : n)),
    dtype: x!.dtype,
  }),
  gradient: (g, { inputs: [x] }) => [expand(g, x!.shape)],
  lower: { kind: "reduce", reduce: () => "sum", axes: ({ attrs: { dims } }) => dims },
};

/** The sum over some dimensions, which stay with size 1; x is f32 or i32. */
export function sumKept(x: Node, dims: readonly number[]): Node {
  return dims.length === 0 ? x : make(sumOp, [x], { dims });
}

/** The inverse of expand: sums until the shape is reached. */
export function sumTo(x: Node, shape: Shape): Node {
  const ahead = x.shape.length - shape.length;
  const dims = x.shape.flatMap((n, d) =>
    d < ahead || (shape[d - ahead] === 1 && n !== 1) ? [d] : [],
  );
  return reshape(sumKept(x, dims), shape);
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
