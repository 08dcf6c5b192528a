// Element types. f32 is what networks compute in; i32 carries labels and indices; u8 carries images
// and the truth values of comparisons.

import { DTypeError } from "../errors.js";

export type DType = "f32" | "i32" | "u8";

export type TypedArray =
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Bytes of one element. */
export const byteSize: Record<DType, number> = { f32: 4, i32: 4, u8: 1 };

const arrays = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const;

/** A typed array of `length` zeros. */
export function emptyArray(dtype: DType, length: number): TypedArray {
  return new arrays[dtype](length);
}

/** A typed view of `buffer`, from `byteOffset`, `length` elements long. */
export function viewArray(
  dtype: DType,
  buffer: ArrayBuffer,
  byteOffset = 0,
  length?: number,
): TypedArray {
  return new arrays[dtype](buffer, byteOffset, length);
}

/** The element type that a typed array holds. */
export function dtypeOf(array: TypedArray): DType {
  if (array instanceof Float32Array) return "f32";
  if (array instanceof Int32Array) return "i32";
  if (array instanceof Uint8Array) return "u8";
  const { name } = (array as object).constructor;
  throw new DTypeError("tensor", `expects a Float32Array, Int32Array or Uint8Array, got ${name}`);
}
