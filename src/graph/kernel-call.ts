// A node's kernel call without a plan around it: for what only asks which kernel a node is, and of which sizes.

import type { KernelCall, Operand } from "../backends/kernels.js";
import type { Node } from "./node.js";
import { rowMajor } from "./shape.js";

/** The call that a plan would make, over row-major operands; undefined if the node is no kernel. */
export function kernelCall(node: Node): KernelCall | undefined {
  const { lower } = node.op;
  if (lower.kind !== "kernel") return undefined;
  const operand = ({ shape, dtype }: Node): Operand => ({
    buffer: 0,
    dtype,
    offset: 0,
    strides: rowMajor(shape),
  });
  return lower.call(node, node.inputs.map(operand), [operand(node)]);
}
