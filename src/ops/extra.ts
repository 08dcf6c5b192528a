// The further results that some ops have beside their main one.

import { make, type Node, type Op } from "../graph/node.js";

const extraOp: Op<{ index: number }> = {
  name: "extra",
  infer: ([node], { index }) => node!.op.extras!(node!.inputs, node!.attrs)[index]!,
  lower: { kind: "extra", index: ({ index }) => index },
};

/** The further result of a node that its op lists at `index` of `extras`. */
export const extra = (node: Node, index: number): Node => make(extraOp, [node], { index });
