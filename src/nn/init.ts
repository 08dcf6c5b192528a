// Initial weights. Each function replaces a parameter's values; they are drawn when first needed.

import { full, rand, randn } from "../create.js";
import { ShapeError } from "../errors.js";
import { type Shape, showShape, sizeOf } from "../graph/shape.js";
import type { Tensor } from "../tensor.js";
import type { AnyModule } from "./module.js";
import type { StateTensor } from "./parameter.js";

/** Inputs and outputs of one unit: for weights [out, in, …], times the window's size. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2)
    throw new ShapeError(
      "init",
      `fans need a weight of at least two dimensions, got ${showShape(shape)}`,
      [shape],
    );
  const window = sizeOf(shape.slice(2));
  return { fanIn: shape[1]! * window, fanOut: shape[0]! * window };
}

/** Uniform in [−bound, bound). */
export const symmetric = (shape: Shape, bound: number): Tensor =>
  rand(shape)
    .mul(2 * bound)
    .sub(bound);

export function uniform(weight: StateTensor, from = 0, to = 1): void {
  weight.set(
    rand(weight.shape)
      .mul(to - from)
      .add(from),
  );
}

export function normal(weight: StateTensor, mean = 0, std = 1): void {
  weight.set(randn(weight.shape).mul(std).add(mean));
}

export function constant(weight: StateTensor, value: number): void {
  weight.set(full(weight.shape, value));
}

/** Glorot and Bengio 2010: uniform within √(6 / (fanIn + fanOut)). */
export function xavierUniform(weight: StateTensor): void {
  const { fanIn, fanOut } = fans(weight.shape);
  weight.set(symmetric(weight.shape, Math.sqrt(6 / (fanIn + fanOut))));
}

/**
 * d2l's initialisation: the weights of every convolution and fully connected layer by xavierUniform;
 * biases keep PyTorch's default.
 *
 * @example initXavier(net);
 */
export function initXavier(net: AnyModule): void {
  for (const [name, parameter] of net.namedParameters()) {
    if (/(^|\.)weight$/.test(name) && parameter.shape.length >= 2) xavierUniform(parameter);
  }
}
