// Layers as functions, under the names of torch.nn.functional.

import { ArgumentError } from "../errors.js";
import type { Node } from "../graph/node.js";
import * as conv from "../ops/conv.js";
import * as elementwise from "../ops/elementwise.js";
import { constant } from "../ops/leaf.js";
import * as loss from "../ops/loss.js";
import * as matrix from "../ops/matmul.js";
import * as pool from "../ops/pool.js";
import { bernoulli } from "../ops/random.js";
import { randomSource } from "../runtime.js";
import { Tensor } from "../tensor.js";

const wrap = (node: Node) => new Tensor(node);

export const relu = (x: Tensor): Tensor => x.relu();
export const sigmoid = (x: Tensor): Tensor => x.sigmoid();
export const tanh = (x: Tensor): Tensor => x.tanh();
export const softmax = (x: Tensor, dim: number): Tensor => x.softmax(dim);
export const logSoftmax = (x: Tensor, dim: number): Tensor => x.logSoftmax(dim);

/** x [..., in] · wᵀ + bias, with w [out, in] and bias [out]. */
export function linear(x: Tensor, w: Tensor, bias?: Tensor): Tensor {
  return wrap(matrix.linear(x.node, w.node, bias?.node));
}

/** x [n, c, h, w] ⋆ w [o, c/groups, kh, kw] + bias [o] → [n, o, h', w']. */
export function conv2d(
  x: Tensor,
  w: Tensor,
  bias?: Tensor,
  options: conv.ConvOptions = {},
): Tensor {
  return wrap(conv.conv2d(x.node, w.node, bias?.node, options));
}

/** The largest value of each window of x [n, c, h, w]; the stride is the window's size by default. */
export function maxPool2d(
  x: Tensor,
  kernelSize: conv.PairLike,
  options: Parameters<typeof pool.maxPool2d>[2] = {},
): Tensor {
  return wrap(pool.maxPool2d(x.node, kernelSize, options));
}

/** The mean of each window of x [n, c, h, w]; the stride is the window's size by default. */
export function avgPool2d(
  x: Tensor,
  kernelSize: conv.PairLike,
  options: Parameters<typeof pool.avgPool2d>[2] = {},
): Tensor {
  return wrap(pool.avgPool2d(x.node, kernelSize, options));
}

/**
 * While training, sets each element to 0 with probability p and divides the others by 1 − p. The same
 * elements are dropped whenever seed and step are the same, however many threads compute them.
 */
export function dropout(x: Tensor, p = 0.5, training = true): Tensor {
  if (!(p >= 0 && p <= 1))
    throw new ArgumentError("dropout", `p must lie between 0 and 1, got ${p}`);
  if (!training || p === 0) return x;
  if (p === 1) return x.mul(0);
  const dropped = bernoulli(x.shape, p, randomSource());
  return wrap(
    elementwise.where(dropped, constant(0), elementwise.mul(x.node, constant(1 / (1 - p)))),
  );
}

/**
 * −log softmax(logits)[target] of each row: the mean over rows, their sum, or (`"none"`) each of them.
 * logits [n, classes] f32, target [n] i32.
 *
 * @example crossEntropy(tensor([[2, 0]]), tensor(Int32Array.of(0))); // 0.1269
 */
export function crossEntropy(
  logits: Tensor,
  target: Tensor,
  { reduction = "mean" }: { readonly reduction?: "mean" | "sum" | "none" } = {},
): Tensor {
  const rows = wrap(loss.crossEntropyRows(logits.node, target.node));
  return reduction === "none" ? rows : reduction === "sum" ? rows.sum() : rows.mean();
}
