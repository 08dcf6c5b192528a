// What a node becomes: an idiom that ONNX has an operator for, or else what its lowering says that it is.

import type { Node } from "../../graph/node.js";
import { assembly, positions, reduction } from "./arrange.js";
import { elementwise } from "./elementwise.js";
import { type Expression, OnnxError, onnxType, scalar } from "./expression.js";
import { idiom } from "./idioms.js";
import { kernel } from "./kernels.js";
import { view } from "./views.js";

/**
 * A node, but for bound memory, as an expression over other nodes.
 *
 * @throws OnnxError if there is none, in the name of the layer.
 */
export function express(node: Node, layer: string): Expression {
  const found =
    number(node) ??
    idiom(node) ??
    elementwise(node) ??
    view(node) ??
    reduction(node) ??
    assembly(node) ??
    positions(node) ??
    kernel(node) ??
    composition(node);
  if (found) return found;
  throw new OnnxError(node.op.name, layer, "has no ONNX form");
}

function number({ op, attrs, dtype }: Node): Expression | undefined {
  if (op.lower.kind !== "leaf") return undefined;
  const leaf = op.lower.leaf(attrs);
  return leaf.kind === "constant" ? scalar(leaf.value, onnxType[dtype]) : undefined;
}

function composition(node: Node): Expression | undefined {
  const { lower } = node.op;
  return lower.kind === "composed" ? lower.compose(node) : undefined;
}
