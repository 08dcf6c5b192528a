// safetensors, from bytes and to bytes: named tensors and nothing that could run. The header's rules
// are in safetensors-header.ts, files in safetensors-file.ts. Nothing here touches a file system.

import { ArgumentError } from "../errors.js";
import { type DType, dtypeOf, type TypedArray } from "../graph/dtype.js";
import { checkByteOrder, decodeElements, type StoredDType, type TensorEntry } from "./elements.js";
import { type Reads, read, runOnBytes } from "./reads.js";
import {
  headerLength,
  isText,
  maxHeaderBytes,
  parseHeader,
  type SafetensorsHeader,
} from "./safetensors-header.js";

/** A tensor to write: its dtype follows from its array. */
export interface SafetensorsSource {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** As SafetensorsSource, but also of 64-bit integers, which networks here do not have and PyTorch's do. */
export interface StoredSource {
  readonly shape: readonly number[];
  readonly data: TypedArray | BigInt64Array<ArrayBuffer>;
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
): { tensors: Map<string, TensorEntry>; metadata: ReadonlyMap<string, string> } {
  return runOnBytes(
    bytes,
    (function* () {
      const opened = yield* openSafetensors(bytes.length, file);
      return { tensors: yield* readTensors(opened), metadata: opened.header.metadata };
    })(),
  );
}

/** A file whose header has been read and checked. */
export interface OpenedSafetensors {
  readonly header: SafetensorsHeader;
  /** Where the tensors' bytes begin. */
  readonly start: number;
}

/** Reads and checks the header of a file of `size` bytes. */
export function* openSafetensors(size: number, file: string): Reads<OpenedSafetensors> {
  const length = headerLength(yield* read(0, Math.min(8, size)), size, file);
  const start = 8 + length;
  return { header: parseHeader(yield* read(8, length), size - start, file), start };
}

/** Reads the tensors, one after the other, in the order of their bytes. */
export function* readTensors({
  header,
  start,
}: OpenedSafetensors): Reads<Map<string, TensorEntry>> {
  const tensors = new Map<string, TensorEntry>();
  for (const { name, dtype, shape, begin, end } of header.tensors) {
    const bytes = yield* read(start + begin, end - begin);
    tensors.set(name, decodeElements(dtype, shape, bytes.buffer));
  }
  return tensors;
}

// From the widest alignment to the narrowest, as the reference implementation lays tensors out.
const written = [
  ["i64", "I64"],
  ["f32", "F32"],
  ["i32", "I32"],
  ["u8", "U8"],
] as const satisfies readonly (readonly [DType | "i64", StoredDType])[];

/**
 * A file's bytes, as chunks that are views of the tensors' own memory: nothing is copied but the
 * header. The bytes depend on the content alone: tensors are sorted by dtype (I64, F32, I32, U8), then by
 * name; metadata by key; the header is padded with spaces to a multiple of 8.
 *
 * @throws ArgumentError for a shape that does not fit its data, or a name that cannot be stored.
 */
export function encodeSafetensors(
  entries: Iterable<readonly [string, StoredSource]>,
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
    checkSource(name, { shape, data }, names);
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

function checkSource(name: string, { shape, data }: StoredSource, names: Set<string>) {
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

function rank(data: StoredSource["data"]): number {
  const dtype = data instanceof BigInt64Array ? "i64" : dtypeOf(data);
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
