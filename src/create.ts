// Tensors out of nothing: from given values, filled, counted, drawn.

import { ShapeError } from "./errors.js";
import { type DType, dtypeOf, emptyArray, type TypedArray } from "./graph/dtype.js";
import { checkShape, type Shape, showShape, sizeOf } from "./graph/shape.js";
import { expand } from "./ops/broadcast.js";
import { bound, constant, index } from "./ops/leaf.js";
import { normal, uniform } from "./ops/random.js";
import { randomSource } from "./runtime.js";
import { type NestedArray, Tensor } from "./tensor.js";

/**
 * A tensor of the given values, copied: nested arrays of numbers (f32 unless told otherwise), or a
 * typed array (f32, i32 or u8 by its type) with a shape.
 *
 * @example tensor([[1, 2], [3, 4]]).shape; // [2, 2]
 */
export function tensor(values: NestedArray | TypedArray, shape?: Shape, dtype?: DType): Tensor {
  if (typeof values === "number" || Array.isArray(values)) {
    const found: number[] = [];
    for (let v: NestedArray | undefined = values; Array.isArray(v); v = v[0]) found.push(v.length);
    const flat: number[] = [];
    const walk = (v: NestedArray, d: number) => {
      if (typeof v === "number" ? d !== found.length : v.length !== found[d]) {
        throw new ShapeError(
          "tensor",
          `rows differ in length; every row at depth ${d} must have ${found[d] ?? 0} elements`,
        );
      }
      if (typeof v === "number") flat.push(v);
      else for (const x of v) walk(x, d + 1);
    };
    walk(values, 0);
    const data = emptyArray(dtype ?? "f32", flat.length);
    data.set(flat);
    return fromTypedArray(data, shape ?? found);
  }
  const copy = values.slice() as TypedArray;
  const made = fromTypedArray(copy, shape ?? [values.length]);
  return dtype ? made.to(dtype) : made;
}

/** As `tensor`, without the copy: the array must not change afterwards. */
export function fromTypedArray(data: TypedArray, shape: Shape): Tensor {
  checkShape("tensor", shape);
  if (sizeOf(shape) !== data.length) {
    throw new ShapeError(
      "tensor",
      `${data.length} values do not fill a tensor of shape ${showShape(shape)}`,
      [shape],
    );
  }
  return new Tensor(bound(shape, dtypeOf(data), { kind: "host", data }));
}

const filled = (value: number, shape: Shape, dtype: DType): Tensor => {
  checkShape("full", shape);
  return new Tensor(expand(constant(value, dtype), shape));
};

export const zeros = (shape: Shape, dtype: DType = "f32"): Tensor => filled(0, shape, dtype);
export const ones = (shape: Shape, dtype: DType = "f32"): Tensor => filled(1, shape, dtype);
export const full = (shape: Shape, value: number, dtype: DType = "f32"): Tensor =>
  filled(value, shape, dtype);
export const scalar = (value: number, dtype: DType = "f32"): Tensor =>
  new Tensor(constant(value, dtype));

/** 0, 1, …, n − 1 as i32. */
export function arange(n: number): Tensor {
  checkShape("arange", [n]);
  return new Tensor(index([n]));
}

/** Uniform in [0, 1). */
export function rand(shape: Shape): Tensor {
  checkShape("rand", shape);
  return new Tensor(uniform(shape, randomSource()));
}

/** Standard normal. */
export function randn(shape: Shape): Tensor {
  checkShape("randn", shape);
  return new Tensor(normal(shape, randomSource()));
}
