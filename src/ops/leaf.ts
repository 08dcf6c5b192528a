// Where graphs begin: numbers, host data, arguments, parameters, positions.

import type { DType } from "../graph/dtype.js";
import { type Binding, make, type Node, type Op, type Type, topological } from "../graph/node.js";
import type { Shape } from "../graph/shape.js";

const constantOp: Op<{ value: number; dtype: DType }> = {
  name: "constant",
  infer: (_, { dtype }) => ({ shape: [], dtype }),
  lower: { kind: "leaf", leaf: ({ value }) => ({ kind: "constant", value }) },
};

/** A number, as a scalar: i32 truncated and saturated, u8 modulo 256, as conversions are. */
export function constant(value: number, dtype: DType = "f32"): Node {
  return make(constantOp, [], { value: dtype === "f32" ? value : whole(value, dtype), dtype });
}

function whole(value: number, dtype: "i32" | "u8"): number {
  const i32 = Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(value))) || 0;
  return dtype === "u8" ? i32 & 255 : i32;
}

const boundOp: Op<{ type: Type; binding: Binding }> = {
  name: "bound",
  infer: (_, { type }) => type,
  lower: { kind: "leaf", leaf: ({ binding }) => ({ kind: "bound", binding }) },
};

/** Memory that is bound when the plan runs; row-major. */
export function bound(shape: Shape, dtype: DType, binding: Binding): Node {
  return make(boundOp, [], { type: { shape, dtype }, binding });
}

type StateBinding = Extract<Binding, { kind: "state" }>;

/** The states that a node is computed from. */
export function statesBehind(...roots: readonly Node[]): StateBinding[] {
  return topological(roots).flatMap((node) => {
    const binding = bindingOf(node);
    return binding?.kind === "state" ? [binding] : [];
  });
}

/** What a bound leaf stands for, or undefined if the node is something else. */
export function bindingOf(node: Node): Binding | undefined {
  return node.op === (boundOp as Op) ? (node.attrs as { binding: Binding }).binding : undefined;
}

const indexOp: Op<{ shape: Shape }> = {
  name: "index",
  infer: (_, { shape }) => ({ shape, dtype: "i32" }),
  lower: { kind: "index" },
};

/** 0, 1, 2, … in row-major order, i32. */
export function index(shape: Shape): Node {
  return make(indexOp, [], { shape });
}
