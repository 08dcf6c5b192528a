// Graph → graph: sums that a kernel gives on the way, over what it reads anyway, become further results of
// that kernel: the gradient of a convolution's bias, beside that of its weight.

import { type KernelLowering, make, type Node, topological } from "../graph/node.js";
import { sameShape } from "../graph/shape.js";
import { extra } from "../ops/extra.js";

export function takeSums(roots: readonly Node[]): (node: Node) => Node {
  const givers = topological(roots).filter((node) => sumsOf(node));
  /** The first kernel that sums each node. */
  const giverOf = new Map<Node, Node>();
  const replaced = new Map<Node, Node>();
  // kernels first: a sum that one of them depends on stays before it, and is a call of its own
  for (const node of topological([...givers, ...roots])) {
    const sums = sumsOf(node);
    const summed = sums && node.inputs[sums.input]!;
    if (summed && !giverOf.has(summed)) giverOf.set(summed, node);
    const inputs = node.inputs.map((x) => replaced.get(x)!);
    const giver = node.inputs[0] && giverOf.get(node.inputs[0]);
    const same = inputs.every((x, i) => x === node.inputs[i]);
    replaced.set(
      node,
      giver && isSum(node, sumsOf(giver)!.dims)
        ? extra(replaced.get(giver)!, sumsOf(giver)!.extra)
        : same
          ? node
          : make(node.op, inputs, node.attrs),
    );
  }
  return (node) => replaced.get(node)!;
}

function sumsOf({ op: { lower } }: Node): KernelLowering<unknown>["sums"] {
  return lower.kind === "kernel" ? lower.sums : undefined;
}

function isSum(node: Node, dims: readonly number[]): boolean {
  const { lower } = node.op;
  return (
    lower.kind === "reduce" &&
    lower.reduce(node.attrs) === "sum" &&
    sameShape(lower.axes(node), dims)
  );
}
