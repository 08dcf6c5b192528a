// Where nodes come from: which layer's forward or gradient made them, or which update. For people who look
// at a plan; nothing is computed from it, and a graph without origins plans the same.

import type { Origin } from "../backends/kernels.js";
import { type Node, topological } from "./node.js";

export class Origins {
  readonly #of = new Map<Node, Origin>();
  readonly #claimed = new Set<Node>();

  of(node: Node): Origin | undefined {
    return this.#of.get(node);
  }

  /** What `roots` are made of and nobody has claimed yet comes from `origin`. */
  claim(roots: readonly Node[], origin: Origin): void {
    for (const node of topological(roots, this.#claimed)) this.#of.set(node, origin);
  }

  /** Likewise, with each node's layer being the one that its inputs come from, where it is one. */
  inherit(roots: readonly Node[], pass: Origin["pass"]): void {
    for (const node of topological(roots, this.#claimed)) {
      const layers = new Set(node.inputs.map((x) => this.#of.get(x)?.layer || undefined));
      layers.delete(undefined);
      const [layer = ""] = layers.size === 1 ? layers : [];
      this.#of.set(node, { layer, pass });
    }
  }

  /** What a pass has put in the place of nodes comes from where these came from. */
  carry(roots: readonly Node[], replace: (node: Node) => Node | undefined): void {
    for (const old of topological(roots)) {
      const now = replace(old);
      const origin = now && this.#of.get(made(old, now));
      if (now && origin) this.claim([now], origin);
    }
  }
}

/** Of a kernel that took in the nodes around it (an activation, a mask), the kernel itself. */
function made(old: Node, now: Node, depth = 4): Node {
  if (now.op.lower.kind !== "kernel") return old;
  let level: readonly Node[] = [old];
  for (let i = 0; i < depth; i++) {
    const same = level.find((node) => node.op === now.op);
    if (same) return same;
    level = level.flatMap((node) => node.inputs);
  }
  return old;
}
