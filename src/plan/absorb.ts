// Graph → graph: an activation moves into the kernel before it (convolution + bias + ReLU in one
// pass over memory), where that kernel can do it and nothing else needs the value in between.

import { make, type Node, topological } from "../graph/node.js";
import { isRelu } from "../ops/elementwise.js";

export function fuseActivations(roots: readonly Node[]): (node: Node) => Node {
  const order = topological(roots);
  const uses = new Map<Node, number>();
  for (const node of [...order.flatMap((n) => n.inputs), ...roots])
    uses.set(node, (uses.get(node) ?? 0) + 1);

  const replaced = new Map<Node, Node>();
  for (const node of order) {
    const inputs = node.inputs.map((x) => replaced.get(x)!);
    replaced.set(
      node,
      fused(node, inputs, uses) ??
        (inputs.some((x, i) => x !== node.inputs[i]) ? make(node.op, inputs, node.attrs) : node),
    );
  }
  return (node) => replaced.get(node)!;
}

/** `node`, if it is a ReLU over views of a kernel's result that nothing else reads. */
function fused(
  node: Node,
  inputs: readonly Node[],
  uses: ReadonlyMap<Node, number>,
): Node | undefined {
  if (!isRelu(node)) return undefined;
  // look through reshapes that keep every element: relu(view(k)) = view(relu(k))
  const views: Node[] = [];
  let old = node.inputs[0]!;
  let kernel = inputs[0]!;
  while (old.op.lower.kind === "view" && uses.get(old) === 1 && old.inputs[0]!.shape.length > 0) {
    views.push(kernel);
    old = old.inputs[0]!;
    kernel = kernel.inputs[0]!;
  }
  const { lower } = kernel.op;
  if (lower.kind !== "kernel" || uses.get(old) !== 1) return undefined;
  const attrs = lower.withActivation?.(kernel.attrs);
  if (attrs === undefined) return undefined;
  let result = make(kernel.op, kernel.inputs, attrs);
  for (const view of views.reverse()) result = make(view.op, [result], view.attrs);
  return result;
}
