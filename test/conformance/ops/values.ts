// Inputs of op cases: values that stay away from each other and from 0, so that no comparison,
// maximum or kink changes sides within a finite difference or within a rounding.

import type { DType } from "../../../src/graph/dtype.js";
import { sizeOf } from "../../../src/graph/shape.js";
import { Random } from "../build.js";

export interface Input {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: readonly number[];
}

/** A float32 between `low` and `high`, all of them different, in no order. */
export function spread(shape: readonly number[], low = -1, high = 1, seed = 1): Input {
  const count = sizeOf(shape);
  const random = new Random(seed * 7919 + count);
  const ranks = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [ranks[i], ranks[j]] = [ranks[j]!, ranks[i]!];
  }
  // neither the middle of the range nor its ends, and no two sums alike
  const place = (rank: number) => (rank + 0.2 + 0.15 * random.signed()) / count;
  const values = ranks.map((rank) => Math.fround(low + (high - low) * place(rank)));
  return { shape, dtype: "f32", values };
}

/** Whole numbers in [low, high). */
export function whole(
  shape: readonly number[],
  low: number,
  high: number,
  dtype: DType = "i32",
): Input {
  const random = new Random(sizeOf(shape) + 13);
  const values = Array.from({ length: sizeOf(shape) }, () => low + random.below(high - low));
  return { shape, dtype, values };
}

/** These very values, as f32. */
export function given(shape: readonly number[], values: readonly number[]): Input {
  return { shape, dtype: "f32", values: values.map(Math.fround) };
}
