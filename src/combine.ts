// Functions of several tensors.

import { arange, scalar, zeros } from "./create.js";
import { gradients } from "./ops/backward.js";
import * as elementwise from "./ops/elementwise.js";
import * as movement from "./ops/movement.js";
import { lift, Tensor, type TensorLike } from "./tensor.js";

/** One after the other along `dim`. */
export const cat = (tensors: readonly Tensor[], dim = 0): Tensor =>
  new Tensor(
    movement.concat(
      tensors.map((t) => t.node),
      dim,
    ),
  );

/** Along a new dimension. */
export const stack = (tensors: readonly Tensor[], dim = 0): Tensor =>
  cat(
    tensors.map((t) => t.unsqueeze(dim)),
    dim,
  );

/** `a` where the condition is not 0, else `b`. */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  const like = a instanceof Tensor ? a : b instanceof Tensor ? b : scalar(0);
  return new Tensor(elementwise.where(condition.node, lift(a, like), lift(b, like)));
}

/** `classes` columns, 1 where the column's number is the label; u8. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  return labels.unsqueeze(-1).eq(arange(classes));
}

/** How many rows of logits [n, classes] have their largest value at the target [n]; i32 scalar. */
export function countCorrect(logits: Tensor, target: Tensor): Tensor {
  return logits.argmax(1).eq(target).sum();
}

/**
 * d loss / d w for each w of `wrt`, anywhere; zeros where the loss does not depend on it.
 *
 * @example
 * const x = tensor([1, 2, 3]);
 * grad(x.mul(x).sum(), [x])[0]; // [2, 4, 6]
 */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return gradients(
    loss.node,
    wrt.map((w) => w.node),
  ).map((g, i) => (g ? new Tensor(g) : zeros(wrt[i]!.shape)));
}
