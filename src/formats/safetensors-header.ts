// The header of a safetensors file: its JSON, parsed strictly and straight into what it may hold.
// Not a general JSON parser: a general one takes duplicate keys, any depth and any size before we
// could refuse them, and this text may come from strangers. It knows nothing of the tensors' bytes.
//
// Source: the format's description, https://github.com/huggingface/safetensors#format

import { DataError } from "../errors.js";
import { maxTensors, type StoredDType, storedBytes } from "./elements.js";
import { quote } from "./quote.js";

/** Where one tensor lies: bytes [begin, end) after the header. */
export interface TensorLayout {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly TensorLayout[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** The header may not be longer, in bytes; the limit of the format's reference implementation. */
export const maxHeaderBytes = 100_000_000;
/** Far more dimensions than any tensor here has, and more notes than anybody has taken. */
const [maxRank, maxLabels] = [32, 10_000];

/** The header's length, from the first 8 bytes of a file of `fileBytes` bytes. */
export function headerLength(start: Uint8Array, fileBytes: number, file: string): number {
  if (fileBytes < 8 || start.length < 8) {
    throw new DataError(
      file,
      `is ${fileBytes} bytes long; a safetensors file has at least 8 bytes and a header`,
    );
  }
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw new DataError(
      file,
      `is not a safetensors file: its first 8 bytes announce a header of more than ${maxHeaderBytes} bytes`,
    );
  }
  if (8 + Number(length) > fileBytes) {
    throw new DataError(
      file,
      `is not a safetensors file, or is cut off: it announces a header of ${length} bytes, and ` +
        `${fileBytes - 8} follow`,
    );
  }
  return Number(length);
}

/**
 * Parses a header and checks that its tensors tile the `dataBytes` bytes after it exactly: no hole,
 * no overlap, nothing left over, every size equal to its shape's.
 *
 * @throws DataError naming the file, and the tensor where there is one.
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, file: string): SafetensorsHeader {
  const { tensors, metadata } = new HeaderParser(bytes, file).parse();
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const tensor of tensors) {
    checkTensor(tensor, position, dataBytes, file);
    position = tensor.end;
  }
  if (position !== dataBytes) {
    throw new DataError(
      file,
      `holds ${dataBytes} bytes of data, but its header describes ${position}`,
    );
  }
  return { tensors, metadata };
}

function checkTensor(tensor: TensorLayout, position: number, dataBytes: number, file: string) {
  const { name, dtype, shape, begin, end } = tensor;
  const which = tensorNamed(name);
  if (begin !== position) {
    const what = begin > position ? "leaves a hole" : "overlaps the one before";
    throw new DataError(file, `${which} starts at ${begin} and ${what}; expected ${position}`);
  }
  if (end > dataBytes) {
    throw new DataError(
      file,
      `${which} ends at ${end}, but only ${dataBytes} bytes of data follow`,
    );
  }
  let size: number = storedBytes[dtype];
  // Zeros first, so that [huge, huge, 0] is what it is: empty.
  if (shape.includes(0)) size = 0;
  else for (const dimension of shape) size *= dimension;
  if (size > Number.MAX_SAFE_INTEGER) {
    throw new DataError(file, `${which} has the shape [${shape}], which is larger than any memory`);
  }
  if (size !== end - begin) {
    throw new DataError(
      file,
      `${which} of dtype ${dtype} and shape [${shape}] takes ${size} bytes, but has ${end - begin}`,
    );
  }
}

/** The bytes that the grammar is made of. */
const [quoteMark, backslash, firstPrintable] = [0x22, 0x5c, 0x20];

/**
 * header = { name: tensor, …, "__metadata__": { string: string, … } }, then spaces. Works on bytes: as a
 * string, a header of the largest size would take as much memory again, and much more time.
 */
class HeaderParser {
  #at = 0;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(
    readonly bytes: Uint8Array,
    readonly file: string,
  ) {}

  parse(): { tensors: TensorLayout[]; metadata: Map<string, string> } {
    const tensors: TensorLayout[] = [];
    let metadata: Map<string, string> | undefined;
    const names = new Set<string>();
    // The format demands that the very first byte opens the object.
    if (this.bytes[0] !== code("{")) this.#fail('does not start with "{"');
    this.#object((key) => {
      if (names.has(key)) this.#fail(`names ${quote(key)} twice`);
      names.add(key);
      if (names.size > maxTensors) this.#fail(`names more than ${maxTensors} tensors`);
      if (key === "__metadata__") metadata = this.#metadata();
      else tensors.push(this.#tensor(key));
    });
    this.#space();
    if (this.#at !== this.bytes.length) this.#fail("goes on after its end");
    return { tensors, metadata: metadata ?? new Map() };
  }

  #metadata(): Map<string, string> {
    const metadata = new Map<string, string>();
    this.#object((key) => {
      if (metadata.size === maxLabels) this.#fail(`has more than ${maxLabels} metadata`);
      if (metadata.has(key)) this.#fail(`names the metadata ${quote(key)} twice`);
      metadata.set(key, this.#string("a string (metadata maps strings to strings)"));
    });
    return metadata;
  }

  #tensor(name: string): TensorLayout {
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    const seen = new Set<string>();
    this.#object((key) => {
      if (seen.has(key)) this.#fail(`gives ${quote(key)} of ${tensorNamed(name)} twice`);
      seen.add(key);
      if (key === "dtype") dtype = this.#string("a dtype");
      else if (key === "shape") shape = this.#integers(maxRank);
      else if (key === "data_offsets") offsets = this.#integers(2);
      else this.#fail(`has an unknown field ${quote(key)} for ${tensorNamed(name)}`);
    });
    if (dtype === undefined || shape === undefined || offsets?.length !== 2) {
      this.#fail(`lacks the dtype, shape or two data_offsets of ${tensorNamed(name)}`);
    }
    if (!Object.hasOwn(storedBytes, dtype)) {
      throw new DataError(
        this.file,
        `${tensorNamed(name)} has the dtype ${quote(dtype)}; supported are ${Object.keys(storedBytes).join(", ")}`,
      );
    }
    const [begin, end] = offsets as [number, number];
    if (end < begin) this.#fail(`ends ${tensorNamed(name)} (${end}) before it begins (${begin})`);
    return { name, dtype: dtype as StoredDType, shape, begin, end };
  }

  #object(member: (key: string) => void): void {
    this.#expect("{");
    if (this.#skip("}")) return;
    do {
      const key = this.#string("a name");
      this.#expect(":");
      member(key);
    } while (this.#skip(","));
    this.#expect("}");
  }

  #integers(most: number): number[] {
    const numbers: number[] = [];
    this.#expect("[");
    if (this.#skip("]")) return numbers;
    do {
      if (numbers.length === most) this.#fail(`has a list of more than ${most} numbers`);
      numbers.push(this.#integer());
    } while (this.#skip(","));
    this.#expect("]");
    return numbers;
  }

  #integer(): number {
    this.#space();
    const start = this.#at;
    while (isDigit(this.bytes[this.#at])) this.#at++;
    // a million digits would be no number either
    const digits = this.#ascii(start, Math.min(this.#at, start + 20));
    const more = this.#ascii(this.#at, this.#at + 1);
    const value = Number(digits);
    const length = this.#at - start;
    this.#at = start;
    if (length === 0 || (length > 1 && digits[0] === "0") || /[.eE]/.test(more)) {
      this.#fail("expects a whole number");
    }
    if (!Number.isSafeInteger(value) || length > 20) {
      this.#fail(`has the number ${digits}${length > 20 ? "…" : ""}, which is too large`);
    }
    this.#at += length;
    return value;
  }

  #string(expected: string): string {
    this.#space();
    const start = this.#at;
    if (this.bytes[start] !== quoteMark) this.#fail(`expects ${expected}`);
    let end = start + 1;
    let escapes = false;
    for (; this.bytes[end] !== quoteMark; end++) {
      // JSON has no line breaks and the like within strings
      if (end >= this.bytes.length || this.bytes[end]! < firstPrintable) {
        this.#fail("has a broken string");
      }
      if (this.bytes[end] === backslash) {
        escapes = true;
        end++;
      }
    }
    this.#at = end + 1;
    const text = this.#decode(start + 1, end);
    return escapes ? this.#unescaped(text, start) : text;
  }

  #decode(start: number, end: number): string {
    try {
      return this.#utf8.decode(this.bytes.subarray(start, end));
    } catch {
      throw new DataError(this.file, "has a header that is not UTF-8");
    }
  }

  #unescaped(text: string, start: number): string {
    let value = "";
    try {
      value = JSON.parse(`"${text}"`);
    } catch {
      this.#at = start;
      this.#fail("has a broken string");
    }
    // JSON can spell half a surrogate pair ("\ud800"), which is no text and cannot be written back.
    if (isText(value)) return value;
    this.#at = start;
    this.#fail("has a string that is not valid Unicode");
  }

  #ascii(start: number, end: number): string {
    return String.fromCharCode(...this.bytes.subarray(start, end));
  }

  #space(): void {
    while (isSpace(this.bytes[this.#at])) this.#at++;
  }

  #skip(character: string): boolean {
    this.#space();
    if (this.bytes[this.#at] !== code(character)) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#skip(character)) this.#fail(`expects "${character}"`);
  }

  #fail(problem: string): never {
    throw new DataError(this.file, `its header ${problem} (at byte ${this.#at})`);
  }
}

const code = (character: string) => character.charCodeAt(0);
const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const tensorNamed = (name: string) => `tensor ${quote(name)}`;

/** Whether a string is valid Unicode: no half of a surrogate pair alone. */
export function isText(value: string): boolean {
  return !/\p{Surrogate}/u.test(value);
}
