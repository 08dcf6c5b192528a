// PyTorch's .pt and .pth files: state dicts out of them, without running anything. How a file is laid
// out is pth-archive.ts's, what its pickle may say pickle.ts's and pth-globals.ts's, files on disk are
// pth-file.ts's. Browser-safe.

import { DataError } from "../errors.js";
import {
  decodeElements,
  maxTensors,
  readBytes,
  storedBytes,
  type TensorEntry,
} from "./elements.js";
import type { PickleValue } from "./pickle-values.js";
import { openPth, type PthArchive } from "./pth-archive.js";
import { type StorageRef, TensorRef } from "./pth-globals.js";
import { quote } from "./quote.js";
import { type Reads, runOnBytes } from "./reads.js";

export interface PthOptions {
  /** Of a file with several state dicts, the key of the one to read: "model", "state_dict", … */
  readonly key?: string;
}

/** A file's state dict, described. */
export interface PthContents {
  readonly archive: PthArchive;
  readonly tensors: ReadonlyMap<string, TensorRef>;
}

/**
 * Views may share memory, or repeat it: a short file can describe any number of numbers. What it may
 * come to, in bytes: so many times its own length, and a little where it is short.
 */
const [maxGrowth, smallGrowth] = [8, 16 * 1024 * 1024];

/**
 * Parses a whole file held in memory: a state dict as `torch.save(net.state_dict(), file)` writes it, or
 * a dict that has exactly one among its values, such as `{"state_dict": …, "epoch": 3}`. Nothing in the
 * file is run: a pickle that asks for any Python function or class beyond those of tensors and ordered
 * dicts is refused. Every tensor gets memory of its own, laid out row by row.
 *
 * @param bytes The file, of any version of PyTorch since 0.1.10.
 * @param file Its name, for errors.
 * @returns The tensors by name, in the file's order. Types that Fovea lacks come in the one that holds
 *   them (`TensorEntry`).
 * @throws DataError saying what is wrong, and with which tensor; for other Python objects, their name.
 * @example
 * const tensors = parsePth(pthBytes, "weights.pth");
 * const { shape, data } = tensors.get("1.weight")!;
 */
export function parsePth(
  bytes: Uint8Array,
  file = "pth",
  options: PthOptions = {},
): Map<string, TensorEntry> {
  return runOnBytes(
    bytes,
    (function* () {
      return yield* readTensors(yield* openStateDict(bytes.length, file, options));
    })(),
  );
}

/** Opens a file and finds the state dict in it; no tensor is read yet. */
export function* openStateDict(
  size: number,
  file: string,
  { key }: PthOptions = {},
): Reads<PthContents> {
  const archive = yield* openPth(size, file);
  const tensors = findStateDict(archive.value, key, file);
  if (tensors.size > maxTensors) {
    throw new DataError(file, `has ${tensors.size} tensors; expected at most ${maxTensors}`);
  }
  let bytes = 0;
  for (const { size: elements, storage } of tensors.values()) {
    archive.position(storage); // refuses a storage that is not there
    bytes += elements * readBytes[storage.dtype];
  }
  if (bytes > maxGrowth * size + smallGrowth) {
    throw new DataError(
      file,
      `describes ${bytes} bytes of tensors, but is only ${size} long; expected at most ${maxGrowth} times that`,
    );
  }
  return { archive, tensors };
}

/** Reads the tensors, storage by storage, in the order in which the file has them. */
export function* readTensors({ archive, tensors }: PthContents): Reads<Map<string, TensorEntry>> {
  const users = new Map<StorageRef, string[]>();
  for (const [name, { storage }] of tensors) {
    const names = users.get(storage);
    if (names) names.push(name);
    else users.set(storage, [name]);
  }
  const inOrder = [...users].sort(([a], [b]) => archive.position(a) - archive.position(b));
  const read = new Map<string, TensorEntry>();
  for (const [storage, names] of inOrder) {
    const bytes = yield* archive.readStorage(storage);
    for (const name of names) {
      const tensor = tensors.get(name)!;
      const alone = names.length === 1;
      const dense = gather(tensor, bytes, alone);
      read.set(name, decodeElements(storage.dtype, tensor.shape, dense));
    }
  }
  return new Map([...tensors.keys()].map((name) => [name, read.get(name)!]));
}

// --------------------------------------------------------------- which dict

/** The dict of tensors that a file is, or that it has under one of its keys. */
function findStateDict(
  value: PickleValue,
  key: string | undefined,
  file: string,
): Map<string, TensorRef> {
  if (value instanceof TensorRef) {
    throw new DataError(file, "holds one tensor without a name; expected a state dict");
  }
  if (!(value instanceof Map)) throw new DataError(file, "holds no dict; expected a state dict");
  const found = new Map<string, Map<string, TensorRef>>();
  const whole = asStateDict(value);
  if (whole && key === undefined) return whole;
  // each dict is looked through once, under however many keys it is
  const looked = new Map<PickleValue, Map<string, TensorRef> | undefined>();
  for (const [name, inner] of value) {
    if (!looked.has(inner)) looked.set(inner, asStateDict(inner));
    const dict = looked.get(inner);
    if (dict && typeof name === "string") found.set(name, dict);
  }
  if (key !== undefined) {
    const dict = found.get(key);
    if (dict) return dict;
    throw new DataError(file, `has no state dict under ${quote(key)}; ${keysOf(value)}`);
  }
  const [only, ...others] = found.values();
  if (only && others.length === 0) return only;
  const names = listed([...found.keys()]);
  throw new DataError(
    file,
    only
      ? `has several state dicts, under ${names}; in Python, torch.save(torch.load(…)[${quote([...found.keys()][0]!)}], …) saves one of them`
      : `has no state dict, which is a dict of nothing but tensors; ${keysOf(value)}`,
  );
}

/** The value as a dict of nothing but tensors, if that is what it is. */
function asStateDict(value: PickleValue): Map<string, TensorRef> | undefined {
  if (!(value instanceof Map) || value.size === 0) return undefined;
  for (const [name, tensor] of value) {
    if (typeof name !== "string" || !(tensor instanceof TensorRef)) return undefined;
  }
  return value as Map<string, TensorRef>;
}

const keysOf = (dict: ReadonlyMap<unknown, unknown>): string =>
  dict.size === 0 ? "it is empty" : `its keys are ${listed([...dict.keys()])}`;

const listed = (keys: readonly unknown[]): string =>
  keys
    .slice(0, 8)
    .map((key) => quote(String(key)))
    .join(", ") + (keys.length > 8 ? ", …" : "");

// --------------------------------------------------------------- views

/** A tensor's elements row by row; the storage's own memory where it is just that and nobody else's. */
function gather(tensor: TensorRef, storage: Uint8Array<ArrayBuffer>, alone: boolean): ArrayBuffer {
  const { offset, shape, strides, size } = tensor;
  const width = storedBytes[tensor.storage.dtype];
  if (isDense(shape, strides) || size === 0) {
    const from = size === 0 ? 0 : offset * width;
    const whole = from === 0 && size * width === storage.length;
    return whole && alone ? storage.buffer : storage.slice(from, from + size * width).buffer;
  }
  // As whole numbers of their width, so that no NaN loses a bit.
  const Elements = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[width];
  const source = new Elements(storage.buffer);
  const target = new Elements(size);
  const index = shape.map(() => 0);
  for (let i = 0, at = offset; i < size; i++) {
    target[i] = source[at]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      at -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return target.buffer;
}

/** Whether elements lie row by row without gaps; strides of dimensions of one do not matter. */
function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== step) return false;
    step *= shape[d]!;
  }
  return true;
}
