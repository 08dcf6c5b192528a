// Reverse-mode differentiation on the graph: gradients are nodes like any others.

import { ArgumentError, TraceError } from "../errors.js";
import { type Node, topological } from "../graph/node.js";
import type { Origins } from "../graph/origins.js";
import { showShape } from "../graph/shape.js";
import { add } from "./elementwise.js";
import { constant } from "./leaf.js";

/**
 * d loss / d w for each w of `wrt`, as nodes of w's shape; undefined where the loss does not depend
 * on it. Only what lies between the loss and the wrt is visited: nothing is computed for the rest. What is
 * made on the way is noted in `origins` as the backward pass of the layer that it belongs to.
 */
export function gradients(
  loss: Node,
  wrt: readonly Node[],
  origins?: Origins,
): (Node | undefined)[] {
  if (loss.shape.length !== 0 || loss.dtype !== "f32") {
    throw new ArgumentError(
      "backward",
      `only an f32 scalar has gradients, got ${loss.dtype} ${showShape(loss.shape)}; take its mean() or sum() first`,
    );
  }
  origins?.claim([loss], { layer: "", pass: "forward" });
  const order = topological([loss]);
  const onTheWay = new Set<Node>(wrt);
  for (const node of order) if (node.inputs.some((x) => onTheWay.has(x))) onTheWay.add(node);

  const received = new Map<Node, Node>([[loss, constant(1)]]);
  for (const node of order.reverse()) {
    const g = received.get(node);
    if (!g || !onTheWay.has(node) || !node.inputs.some((x) => onTheWay.has(x))) continue;
    if (!node.op.gradient) {
      if (node.dtype === "f32")
        throw new TraceError(
          `backward: ${node.op.name} has no gradient; use detach() if none should flow`,
        );
      continue;
    }
    const given = node.op.gradient(g, node);
    for (const gx of given) {
      if (!gx || !origins) continue;
      // a gradient that was routed around this node: still that of the layer after it (`Op.route`)
      const routed = gx.op === g.op && node.op.lower.kind === "elementwise";
      const { layer = "" } = origins.of(routed ? g : node) ?? {};
      origins.claim([gx], { layer, pass: "backward" });
    }
    given.forEach((gx, i) => {
      const x = node.inputs[i]!;
      if (!gx || !onTheWay.has(x)) return;
      const sofar = received.get(x);
      received.set(x, sofar ? add(sofar, gx) : gx);
    });
  }
  return wrt.map((w) => received.get(w));
}
