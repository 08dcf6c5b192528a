// A batch to measure with, where no data set is needed.

import { fromTypedArray } from "../create.js";
import type { Tensor } from "../tensor.js";

/** After so many numbers they begin again: a prime, so that no two rows or images are the same. */
const period = 4093;

/**
 * Numbers of about the size of normalised pixels; which ones does not matter. A batch that is far too large is
 * made in seconds, and then refused by what the plan needs.
 */
export function exampleImages(shape: readonly number[]): Tensor {
  const values = new Float32Array(shape.reduce((a, b) => a * b));
  const own = Math.min(values.length, period);
  for (let i = 0; i < own; i++) values[i] = Math.sin(i);
  for (let made = own; made < values.length; made *= 2) values.copyWithin(made, 0, made);
  return fromTypedArray(values, shape);
}

/** Each of the first ten classes in turn. */
export function exampleLabels(count: number): Tensor {
  const labels = Int32Array.from({ length: count }, (_, i) => i % 10);
  return fromTypedArray(labels, [count]);
}
