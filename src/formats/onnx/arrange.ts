// Reductions, and what is put together from parts, in ONNX.

import type { Node } from "../../graph/node.js";
import { sizeOf } from "../../graph/shape.js";
import { cast, type Expression, list, onnx, onnxType, scalar } from "./expression.js";

/** The node as an expression; undefined if it is no reduction. */
export function reduction(node: Node): Expression | undefined {
  const { lower } = node.op;
  if (lower.kind !== "reduce") return undefined;
  const x = node.inputs[0]!;
  const axes = lower.axes(node);
  switch (lower.reduce(node.attrs)) {
    case "sum":
      return onnx("ReduceSum", [x, list(axes)], { keepdims: 1 });
    case "max":
      return onnx("ReduceMax", [x], { axes, keepdims: 1 });
    case "argmax": {
      if (axes.length === 1) return cast(onnx("ArgMax", [x], { axis: axes[0]! }), "INT32");
      if (axes.length < x.shape.length) return undefined;
      const flat = onnx("ArgMax", [onnx("Reshape", [x, list([sizeOf(x.shape)])])], { axis: 0 });
      return cast(onnx("Reshape", [flat, list(node.shape)]), "INT32");
    }
  }
}

/** The node as an expression; undefined if it is no concatenation or padding. */
export function assembly(node: Node): Expression | undefined {
  const { lower } = node.op;
  if (lower.kind !== "assemble") return undefined;
  const parts = lower.parts(node);
  const fill = lower.fill(node.attrs);
  if (parts.some(({ steps }) => steps.some((step) => step !== 1))) return undefined;
  if (fill === undefined) {
    const axis = node.shape.findIndex((n, d) => node.inputs.some((x) => x.shape[d] !== n));
    return onnx("Concat", node.inputs, { axis });
  }
  const [x] = node.inputs;
  const [part] = parts;
  if (!x || !part || parts.length > 1) return undefined;
  const after = node.shape.map((n, d) => n - part.start[d]! - x.shape[d]!);
  return onnx("Pad", [x, list([...part.start, ...after]), scalar(fill, onnxType[node.dtype])]);
}

/** 0, 1, 2, … in row-major order; undefined if the node is something else. */
export function positions({ op, shape }: Node): Expression | undefined {
  if (op.lower.kind !== "index") return undefined;
  const int = (value: number) => scalar(value, "INT32");
  const range = onnx("Range", [int(0), int(sizeOf(shape)), int(1)]);
  return shape.length === 1 ? range : onnx("Reshape", [range, list(shape)]);
}
