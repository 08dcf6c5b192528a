// Softmax and cross entropy. The softmaxes are composed, so their gradients come for free; cross
// entropy is one kernel, because its gradient, softmax − one-hot, needs nothing but the logits.

import { DTypeError, ShapeError } from "../errors.js";
import { make, type Node, type Op } from "../graph/node.js";
import { showShape } from "../graph/shape.js";
import { detach } from "./detach.js";
import { div, exp, log, sub } from "./elementwise.js";
import { requireF32 } from "./matmul.js";
import { amax, sum } from "./reduce.js";

/** exp(x − max) / Σ exp(x − max) along `dim`. The shift cancels, so it passes no gradient. */
export function softmax(x: Node, dim: number): Node {
  const e = exp(sub(x, detach(amax(x, dim, true))));
  return div(e, sum(e, dim, true));
}

/** x − max − log Σ exp(x − max) along `dim`. */
export function logSoftmax(x: Node, dim: number): Node {
  const shifted = sub(x, detach(amax(x, dim, true)));
  return sub(shifted, log(sum(exp(shifted), dim, true)));
}

const crossEntropyOp: Op<null> = {
  name: "crossEntropy",
  infer: ([logits]) => ({ shape: [logits!.shape[0]!], dtype: "f32" }),
  gradient: (g, { inputs: [logits, target] }) => [
    make(crossEntropyGradOp, [logits!, target!, g], null),
    undefined,
  ],
  lower: {
    kind: "kernel",
    call: ({ inputs: [x] }, [logits, target], [loss]) => ({
      kernel: "crossEntropy",
      rows: x!.shape[0]!,
      classes: x!.shape[1]!,
      logits: logits!,
      target: target!,
      loss: loss!,
    }),
  },
};

const crossEntropyGradOp: Op<null> = {
  name: "crossEntropyGrad",
  infer: ([logits]) => ({ shape: logits!.shape, dtype: "f32" }),
  lower: {
    kind: "kernel",
    call: ({ inputs: [x] }, [logits, target, g], [glogits]) => ({
      kernel: "crossEntropyGrad",
      rows: x!.shape[0]!,
      classes: x!.shape[1]!,
      logits: logits!,
      target: target!,
      g: g!,
      glogits: glogits!,
    }),
  },
};

/** −log softmax(logits)[target], one number a row; logits [n, classes] f32, target [n] i32. */
export function crossEntropyRows(logits: Node, target: Node): Node {
  if (
    logits.shape.length !== 2 ||
    target.shape.length !== 1 ||
    logits.shape[0] !== target.shape[0]
  ) {
    throw new ShapeError(
      "crossEntropy",
      `expects logits [n, classes] and targets [n], got ${showShape(logits.shape)} and ${showShape(target.shape)}`,
      [logits.shape, target.shape],
    );
  }
  requireF32("crossEntropy", logits);
  if (target.dtype !== "i32")
    throw new DTypeError(
      "crossEntropy",
      `targets are class numbers and must be i32, got ${target.dtype}; convert them with .int()`,
    );
  return make(crossEntropyOp, [logits, target], null);
}
