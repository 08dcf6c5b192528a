// The element types that weights files store, and what they become here. It knows bytes and numbers,
// and nothing of how a file is laid out. Browser-safe.

import { DataError } from "../errors.js";

/** Element types as safetensors spells them, and the bytes of one element. */
export const storedBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;
export type StoredDType = keyof typeof storedBytes;

/**
 * A tensor as read. What is stored in another type comes in the one that holds it: half precision (F16,
 * BF16) as f32 and I8, I16 as i32, which loses nothing; BOOL as u8, 0 or 1; F64 as f32, rounded to the
 * nearest, as PyTorch's `module.float()` does.
 */
export type TensorEntry = { readonly shape: readonly number[] } & (
  | { readonly dtype: "f32"; readonly data: Float32Array<ArrayBuffer> }
  | { readonly dtype: "i32"; readonly data: Int32Array<ArrayBuffer> }
  | { readonly dtype: "u8"; readonly data: Uint8Array<ArrayBuffer> }
  | { readonly dtype: "i64"; readonly data: BigInt64Array<ArrayBuffer> }
);

/** More tensors than any network has: each one that a file names takes time and memory. */
export const maxTensors = 100_000;

/** Bytes of one element once it is read. */
export const readBytes: Readonly<Record<StoredDType, number>> = {
  F64: 4,
  F32: 4,
  F16: 4,
  BF16: 4,
  I64: 8,
  I32: 4,
  I16: 4,
  I8: 4,
  U8: 1,
  BOOL: 1,
};

/** One tensor from its bytes, row by row and little-endian, which it keeps. */
export function decodeElements(
  dtype: StoredDType,
  shape: readonly number[],
  bytes: ArrayBuffer,
): TensorEntry {
  checkByteOrder();
  switch (dtype) {
    case "F64":
      return { shape, dtype: "f32", data: Float32Array.from(new Float64Array(bytes)) };
    case "F32":
      return { shape, dtype: "f32", data: new Float32Array(bytes) };
    case "F16":
      return { shape, dtype: "f32", data: widenF16(new Uint16Array(bytes)) };
    case "BF16":
      return { shape, dtype: "f32", data: widenBF16(new Uint16Array(bytes)) };
    case "I64":
      return { shape, dtype: "i64", data: new BigInt64Array(bytes) };
    case "I32":
      return { shape, dtype: "i32", data: new Int32Array(bytes) };
    case "I16":
      return { shape, dtype: "i32", data: Int32Array.from(new Int16Array(bytes)) };
    case "I8":
      return { shape, dtype: "i32", data: Int32Array.from(new Int8Array(bytes)) };
    case "U8":
      return { shape, dtype: "u8", data: new Uint8Array(bytes) };
    case "BOOL":
      return { shape, dtype: "u8", data: new Uint8Array(bytes).map((v) => (v === 0 ? 0 : 1)) };
  }
}

/** bfloat16 is the upper half of an f32. */
function widenBF16(half: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(half.length);
  for (let i = 0; i < half.length; i++) bits[i] = half[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** IEEE binary16 (1 sign, 5 exponent, 10 fraction bits) to binary32, bit for bit, NaNs included. */
function widenF16(half: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(half.length);
  for (let i = 0; i < half.length; i++) {
    const h = half[i]!;
    const sign = (h & 0x8000) << 16;
    const exponent = (h >> 10) & 0x1f;
    const fraction = h & 0x3ff;
    if (exponent === 0x1f) {
      bits[i] = sign | 0x7f800000 | (fraction << 13);
    } else if (exponent !== 0) {
      // The exponents' biases are 15 and 127.
      bits[i] = sign | ((exponent + 112) << 23) | (fraction << 13);
    } else if (fraction === 0) {
      bits[i] = sign;
    } else {
      // Subnormal, fraction · 2^-24: shift its leading one up to bit 10.
      const shift = Math.clz32(fraction) - 21;
      bits[i] = sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
    }
  }
  return new Float32Array(bits.buffer);
}

/** These formats are little-endian and so is every machine we run on; on another, say so at once. */
export function checkByteOrder(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new DataError("weights", "cannot be read or written on a big-endian machine");
  }
}
