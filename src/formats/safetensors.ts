// safetensors, from bytes and to bytes: named tensors and nothing that could run. The header's rules
// are in safetensors-header.ts, files in safetensors-file.ts. Nothing here touches a file system.

import { ArgumentError, DataError } from "../errors.js";
import { type DType, dtypeOf, type TypedArray } from "../graph/dtype.js";
import {
  headerLength,
  isText,
  maxHeaderBytes,
  parseHeader,
  type TensorLayout,
} from "./safetensors-header.js";

/** A tensor as read. Half precision (F16, BF16) comes widened to f32, which loses nothing. */
export type SafetensorsEntry = { readonly shape: readonly number[] } & (
  | { readonly dtype: "f32"; readonly data: Float32Array<ArrayBuffer> }
  | { readonly dtype: "i32"; readonly data: Int32Array<ArrayBuffer> }
  | { readonly dtype: "u8"; readonly data: Uint8Array<ArrayBuffer> }
  | { readonly dtype: "i64"; readonly data: BigInt64Array<ArrayBuffer> }
);

/** A tensor to write: its dtype follows from its array. */
export interface SafetensorsSource {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/**
 * Parses a whole file held in memory. Every tensor gets memory of its own.
 *
 * @param bytes The file.
 * @param file Its name, for errors.
 * @returns The tensors by name, in the order of their bytes, and the metadata.
 * @throws DataError saying what is wrong, and with which tensor.
 * @example
 * const { tensors } = parseSafetensors(safetensorsBytes, "weights.safetensors");
 * const { shape, data } = tensors.get("1.weight")!;
 */
export function parseSafetensors(
  bytes: Uint8Array,
  file = "safetensors",
): { tensors: Map<string, SafetensorsEntry>; metadata: ReadonlyMap<string, string> } {
  const start = 8 + headerLength(bytes, bytes.length, file);
  const header = parseHeader(bytes.subarray(8, start), bytes.length - start, file);
  const tensors = new Map<string, SafetensorsEntry>();
  for (const layout of header.tensors) {
    tensors.set(
      layout.name,
      decode(layout, bytes.slice(start + layout.begin, start + layout.end).buffer),
    );
  }
  return { tensors, metadata: header.metadata };
}

/** One tensor from its bytes, which it keeps. */
export function decode(layout: TensorLayout, bytes: ArrayBuffer): SafetensorsEntry {
  checkByteOrder();
  const { shape } = layout;
  switch (layout.dtype) {
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
    case "U8":
      return { shape, dtype: "u8", data: new Uint8Array(bytes) };
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

// From the widest alignment to the narrowest, as the reference implementation lays tensors out.
const written = [
  ["f32", "F32"],
  ["i32", "I32"],
  ["u8", "U8"],
] as const satisfies readonly (readonly [DType, string])[];

/**
 * A file's bytes, as chunks that are views of the tensors' own memory: nothing is copied but the
 * header. The bytes depend on the content alone: tensors are sorted by dtype (F32, I32, U8), then by
 * name; metadata by key; the header is padded with spaces to a multiple of 8.
 *
 * @throws ArgumentError for a shape that does not fit its data, or a name that cannot be stored.
 */
export function encodeSafetensors(
  entries: Iterable<readonly [string, SafetensorsSource]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  checkByteOrder();
  const tensors = [...entries].sort(
    ([a, { data: left }], [b, { data: right }]) => rank(left) - rank(right) || compareText(a, b),
  );
  const fields: string[] = [];
  const labels = Object.entries(metadata).sort(([a], [b]) => compareText(a, b));
  for (const text of labels.flat()) checkText(text);
  if (labels.length > 0) {
    const members = labels.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    fields.push(`"__metadata__":{${members.join()}}`);
  }
  const chunks: Uint8Array[] = [];
  const names = new Set<string>();
  let position = 0;
  for (const [name, { shape, data }] of tensors) {
    checkSource(name, shape, data, names);
    const end = position + data.byteLength;
    const dtype = written[rank(data)]![1];
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${position},${end}]}`,
    );
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    position = end;
  }
  return [headerBytes(`{${fields.join()}}`), ...chunks];
}

function headerBytes(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new ArgumentError(
      "writeSafetensors",
      `names and shapes take ${length} bytes; at most ${maxHeaderBytes} fit into a header`,
    );
  }
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}

function checkSource(name: string, shape: readonly number[], data: TypedArray, names: Set<string>) {
  checkText(name);
  const which = `tensor ${JSON.stringify(name)}`;
  if (name === "__metadata__") {
    throw new ArgumentError("writeSafetensors", `${which} has a name that the format reserves`);
  }
  if (names.has(name)) throw new ArgumentError("writeSafetensors", `${which} is given twice`);
  names.add(name);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (size !== data.length || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new ArgumentError(
      "writeSafetensors",
      `${which} has the shape [${shape}], but ${data.length} elements`,
    );
  }
}

function checkText(text: string): void {
  if (!isText(text)) {
    throw new ArgumentError(
      "writeSafetensors",
      `${JSON.stringify(text)} is not valid Unicode and cannot be stored`,
    );
  }
}

function rank(data: TypedArray): number {
  const dtype = dtypeOf(data);
  return written.findIndex(([ours]) => ours === dtype);
}

/** By code points, which is also the order of the UTF-8 bytes; `<` would compare UTF-16 units. */
function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The format is little-endian and so is every machine we run on; on another, say so at once. */
function checkByteOrder(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new DataError("safetensors", "cannot be read or written on a big-endian machine");
  }
}
