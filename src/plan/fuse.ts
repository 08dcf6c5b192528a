// Decides which elementwise nodes get memory of their own and which are computed on the way, inside
// the programs of the calls that need them. Changes nothing: gives back the set of the former.

import type { Node } from "../graph/node.js";
import { sameShape } from "../graph/shape.js";
import { freeWork } from "./recompute.js";

/** A program has at most this many instructions. */
export const longest = 48;

/**
 * The elementwise nodes to store. A node joins the program of its users if all of them are in one
 * program over the same shape; or if computing it anew in each of them moves no more memory than
 * reading it would: a dropout mask made from counters, a map minus its channels' means.
 */
export function storedNodes(
  order: readonly Node[],
  users: ReadonlyMap<Node, readonly Node[]>,
  roots: ReadonlySet<Node>,
): Set<Node> {
  const free = freeWork(order, users);

  const stored = new Set<Node>();
  /** The node whose call computes each elementwise node; a node that is computed anew is its own. */
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
    const [first] = homes;
    const shared = first !== undefined && homes.every((h) => h === first);
    const again = first !== undefined && homes.every((h) => h !== undefined) && free.has(node);
    // a program that is computed anew reads what it was found free to read
    const read = shared && !stored.has(first) && free.get(first)?.reads.has(node);
    const added = shared ? 1 : (free.get(node)?.instructions ?? 1);
    const size = added + Math.max(0, ...homes.map((h) => (h && length.get(h)) ?? 0));
    const joins = (shared && !read) || again;
    if (joins && !roots.has(node) && !lower.stored?.(node.attrs) && size <= longest) {
      home.set(node, shared ? first : node);
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
