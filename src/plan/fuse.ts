// Decides which elementwise nodes get memory of their own and which are computed on the way, inside
// the program of the one call that needs them. Changes nothing: gives back the set of the former.

import type { Node } from "../graph/node.js";
import { sameShape } from "../graph/shape.js";

/** A program that is computed again at each use rather than stored may have this many instructions. */
const cheap = 8;
/** A program has at most this many instructions. */
const longest = 48;

/**
 * The elementwise nodes to store. A node joins the program of its users if all of them are in one
 * program over the same shape; or if it reads no memory to speak of (a dropout mask made from
 * counters), since computing it twice then costs less than storing it.
 */
export function storedNodes(order: readonly Node[], roots: ReadonlySet<Node>): Set<Node> {
  const users = new Map<Node, Node[]>();
  for (const node of order) {
    for (const x of node.inputs) {
      const list = users.get(x);
      if (list) list.push(node);
      else users.set(x, [node]);
    }
  }
  const weight = new Map<Node, number>();
  for (const node of order) weight.set(node, recomputeWeight(node, weight));

  const stored = new Set<Node>();
  /** The node whose call computes each elementwise node. */
  const home = new Map<Node, Node>();
  /** Instructions in each call's program so far. */
  const length = new Map<Node, number>();
  for (const node of [...order].reverse()) {
    const { lower } = node.op;
    if (lower.kind === "reduce") home.set(node, node);
    if (lower.kind !== "elementwise") continue;
    const homes = (users.get(node) ?? []).map((user) =>
      spaceOf(user, node) ? home.get(user) : undefined,
    );
    const shared = homes.length > 0 && homes.every((h) => h !== undefined && h === homes[0]);
    const free =
      homes.length > 0 && homes.every((h) => h !== undefined) && weight.get(node)! <= cheap;
    const size = 1 + Math.max(0, ...homes.map((h) => (h && length.get(h)) ?? 0));
    if (!roots.has(node) && !lower.stored?.(node.attrs) && (shared || free) && size <= longest) {
      home.set(node, shared ? homes[0]! : node);
      for (const h of new Set(homes)) length.set(h!, size);
    } else {
      home.set(node, node);
      length.set(node, 1);
      stored.add(node);
    }
  }
  return stored;
}

/** Whether `user` computes over the same points as its input `node`. */
function spaceOf(user: Node, node: Node): boolean {
  const { kind } = user.op.lower;
  return (kind === "elementwise" && sameShape(user.shape, node.shape)) || kind === "reduce";
}

/** Instructions to compute a node anew; infinite if that would read memory of its size. */
function recomputeWeight(node: Node, weight: ReadonlyMap<Node, number>): number {
  const { lower } = node.op;
  if (lower.kind === "index") return 0;
  if (lower.kind === "leaf") {
    return lower.leaf(node.attrs).kind === "constant" ||
      node.shape.every((n) => n === 1) ||
      (node.shape.length <= 1 && (node.shape[0] ?? 1) <= 2)
      ? 0
      : Number.POSITIVE_INFINITY;
  }
  if (lower.kind === "view") return weight.get(node.inputs[0]!)!;
  if (lower.kind !== "elementwise" || lower.stored?.(node.attrs)) return Number.POSITIVE_INFINITY;
  return 1 + node.inputs.reduce((sum, x) => sum + weight.get(x)!, 0);
}
