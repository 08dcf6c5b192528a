// A batch to measure with, where no data set is needed.

import { fromTypedArray } from "../create.js";
import type { Tensor } from "../tensor.js";

/** Numbers of about the size of normalised pixels; which ones does not matter. */
export function exampleImages(shape: readonly number[]): Tensor {
  const values = new Float32Array(shape.reduce((a, b) => a * b));
  for (let i = 0; i < values.length; i++) values[i] = Math.sin(i);
  return fromTypedArray(values, shape);
}

/** Each of the first ten classes in turn. */
export function exampleLabels(count: number): Tensor {
  const labels = Int32Array.from({ length: count }, (_, i) => i % 10);
  return fromTypedArray(labels, [count]);
}
