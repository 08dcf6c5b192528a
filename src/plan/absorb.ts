// Graph → graph: what is done to each element of a kernel's result moves into the kernel, where it can do
// that on the way and nothing else needs the value in between: a ReLU after a convolution or a product, the
// mask of a ReLU's gradient after the gradient of a convolution. One pass over memory instead of two.

import { make, type Node, topological } from "../graph/node.js";
import { isRelu, reluGradientOf } from "../ops/elementwise.js";

/** A node of the old graph, and how its inputs look in the new one. */
interface Context {
  readonly now: (node: Node) => Node;
  readonly isUsedOnce: (node: Node) => boolean;
}

export function absorb(roots: readonly Node[]): (node: Node) => Node {
  const order = topological(roots);
  const uses = new Map<Node, number>();
  for (const node of [...order.flatMap((n) => n.inputs), ...roots])
    uses.set(node, (uses.get(node) ?? 0) + 1);

  const replaced = new Map<Node, Node>();
  const now = (node: Node): Node => replaced.get(node)!;
  const context: Context = { now, isUsedOnce: (node) => uses.get(node) === 1 };
  for (const node of order) {
    const inputs = node.inputs.map(now);
    replaced.set(
      node,
      activated(node, context) ??
        masked(node, context) ??
        (inputs.some((x, i) => x !== node.inputs[i]) ? make(node.op, inputs, node.attrs) : node),
    );
  }
  return now;
}

/** A kernel that applies the ReLU which `node` is, over views of its result. */
function activated(node: Node, { now, isUsedOnce }: Context): Node | undefined {
  if (!isRelu(node)) return undefined;
  // look through views: relu(view(k)) = view(relu(k))
  const views: Node[] = [];
  let old = node.inputs[0]!;
  let kernel = now(old);
  while (old.op.lower.kind === "view" && isUsedOnce(old)) {
    views.push(kernel);
    old = old.inputs[0]!;
    kernel = kernel.inputs[0]!;
  }
  const { lower } = kernel.op;
  if (lower.kind !== "kernel" || !isUsedOnce(old)) return undefined;
  const attrs = lower.withActivation?.(kernel.attrs);
  if (attrs === undefined) return undefined;
  let result = make(kernel.op, kernel.inputs, attrs);
  for (const view of views.reverse()) result = make(view.op, [result], view.attrs);
  return result;
}

/** A kernel that applies the mask which `node` puts over its result. */
function masked(node: Node, { now, isUsedOnce }: Context): Node | undefined {
  const parts = reluGradientOf(node);
  if (!parts || !isUsedOnce(parts.g)) return undefined;
  const kernel = now(parts.g);
  const { lower } = kernel.op;
  if (lower.kind !== "kernel") return undefined;
  const inputs = lower.withMask?.(kernel.inputs, now(parts.y));
  return inputs && make(kernel.op, inputs, kernel.attrs);
}
