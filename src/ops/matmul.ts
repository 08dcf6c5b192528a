// Matrix products, with the bias of a fully connected layer.

import type { Activation } from "../backends/kernels.js";
import { DTypeError, ShapeError } from "../errors.js";
import { make, type Node, type Op } from "../graph/node.js";
import { broadcastShapes, sameShape, showShape, sizeOf } from "../graph/shape.js";
import { expand, reshape } from "./broadcast.js";
import { permute } from "./movement.js";
import { sum } from "./reduce.js";

interface MatmulAttrs {
  readonly activation: Activation;
}

const withActivation = ({ activation }: MatmulAttrs): MatmulAttrs | undefined =>
  activation === "none" ? { activation: "relu" } : undefined;

/** a [b, m, k] · b [b, k, n] → [b, m, n]. */
const matmulOp: Op<MatmulAttrs> = {
  name: "matmul",
  infer: ([a, b]) => ({ shape: [a!.shape[0]!, a!.shape[1]!, b!.shape[2]!], dtype: "f32" }),
  gradient: (g, { inputs: [a, b] }) => [
    matmul(g, permute(b!, [0, 2, 1])), // dA = dC · Bᵀ
    matmul(permute(a!, [0, 2, 1]), g), // dB = Aᵀ · dC
  ],
  macs: ({ shape, inputs: [a] }) => sizeOf(shape) * a!.shape[2]!,
  lower: {
    kind: "kernel",
    withActivation,
    call: ({ shape: [batch, m, n], inputs: [x], attrs: { activation } }, [a, b], [c]) => ({
      kernel: "matmul",
      batch: batch!,
      m: m!,
      k: x!.shape[2]!,
      n: n!,
      a: a!,
      b: b!,
      c: c!,
      activation,
    }),
  },
};

/**
 * PyTorch's matmul: [..., m, k] · [..., k, n] → [..., m, n] with the dimensions in front broadcast;
 * a vector on either side counts as a row (left) or a column (right) and loses that dimension again.
 */
export function matmul(a: Node, b: Node): Node {
  const x = a.shape.length === 1 ? reshape(a, [1, a.shape[0]!]) : a;
  const y = b.shape.length === 1 ? reshape(b, [b.shape[0]!, 1]) : b;
  const [m, k] = x.shape.slice(-2) as [number, number];
  const [k2, n] = y.shape.slice(-2) as [number, number];
  if (a.shape.length === 0 || b.shape.length === 0 || k !== k2) {
    throw new ShapeError(
      "matmul",
      `cannot multiply ${showShape(a.shape)} by ${showShape(b.shape)}: the inner dimensions differ`,
      [a.shape, b.shape],
    );
  }
  requireF32("matmul", a, b);
  const front = broadcastShapes("matmul", x.shape.slice(0, -2), y.shape.slice(0, -2));
  const batch = sizeOf(front);
  const batched = make(
    matmulOp,
    [
      reshape(expand(x, [...front, m, k]), [batch, m, k]),
      reshape(expand(y, [...front, k, n]), [batch, k, n]),
    ],
    { activation: "none" },
  );
  return reshape(batched, [
    ...front,
    ...(a.shape.length === 1 ? [] : [m]),
    ...(b.shape.length === 1 ? [] : [n]),
  ]);
}

/** x [rows, in] · wᵀ + bias [out] → [rows, out], with w [out, in]; its gradients come in w's own layout. */
const linearOp: Op<MatmulAttrs> = {
  name: "linear",
  infer: ([x, w]) => ({ shape: [x!.shape[0]!, w!.shape[0]!], dtype: "f32" }),
  gradient: (g, { inputs: [x, w, bias] }) => [
    matmul(g, w!), // dX = dY · W
    matmul(permute(g, [1, 0]), x!), // dW = dYᵀ · X
    ...(bias ? [sum(g, 0)] : []),
  ],
  macs: ({ shape, inputs: [x] }) => sizeOf(shape) * x!.shape[1]!,
  lower: {
    kind: "kernel",
    withActivation,
    call: ({ shape: [m, n], inputs: [, w], attrs: { activation } }, [x, weight, bias], [c]) => ({
      kernel: "matmul",
      batch: 1,
      m: m!,
      k: w!.shape[1]!,
      n: n!,
      a: { ...x!, strides: [0, ...x!.strides] },
      b: { ...weight!, strides: [0, weight!.strides[1]!, weight!.strides[0]!] },
      c: { ...c!, strides: [0, ...c!.strides] },
      ...(bias && { bias }),
      activation,
    }),
  },
};

/** x [..., in] · wᵀ + bias: PyTorch's linear, with w [out, in] and bias [out]. */
export function linear(x: Node, w: Node, bias?: Node): Node {
  const [out, features] = w.shape as [number, number];
  if (w.shape.length !== 2 || x.shape.length === 0) {
    throw new ShapeError(
      "linear",
      `expects an input [..., in] and a weight [out, in], got ${showShape(x.shape)} and ${showShape(w.shape)}`,
      [x.shape, w.shape],
    );
  }
  if (bias && !sameShape(bias.shape, [out])) {
    throw new ShapeError(
      "linear",
      `bias must be [${out}], one number for each output feature, got ${showShape(bias.shape)}`,
      [bias.shape],
    );
  }
  if (x.shape.at(-1) !== features) {
    throw new ShapeError(
      "linear",
      `weight ${showShape(w.shape)} expects ${features} features, got ${x.shape.at(-1)} (input ${showShape(x.shape)}); pass inFeatures: ${x.shape.at(-1)}`,
      [x.shape, w.shape],
    );
  }
  requireF32("linear", x, w, ...(bias ? [bias] : []));
  const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), features]);
  const inputs = bias ? [rows, w, bias] : [rows, w];
  return reshape(make(linearOp, inputs, { activation: "none" }), [...x.shape.slice(0, -1), out]);
}

export function requireF32(op: string, ...nodes: readonly Node[]): void {
  for (const node of nodes) {
    if (node.dtype !== "f32")
      throw new DTypeError(op, `expects f32, got ${node.dtype}; convert it with .float()`);
  }
}
