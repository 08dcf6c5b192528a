// The same value, with the gradient stopped.

import { make, type Node, type Op } from "../graph/node.js";

const detachOp: Op<null> = {
  name: "detach",
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  gradient: () => [undefined],
  simplify: ({ inputs: [x] }) => x, // gradients are taken before a plan is made
  lower: { kind: "view", view: (_, window) => window },
};

export const detach = (x: Node): Node => make(detachOp, [x], null);
