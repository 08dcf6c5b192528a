// Parsers that say which bytes they need next, and who gives them: the same parser reads a file in
// memory and, piece by piece, a file on disk that would not fit (files: reads-file.ts). Browser-safe.

/** Bytes [position, position + length) of a file. */
export interface ByteRange {
  readonly position: number;
  readonly length: number;
}

/**
 * A parser: yields the ranges that it needs, one at a time, gets their bytes, which are then its own,
 * and returns what it made of them. It never asks for anything beyond the file's end.
 */
export type Reads<T> = Generator<ByteRange, T, Uint8Array<ArrayBuffer>>;

/** Asks for one range. */
export function* read(position: number, length: number): Reads<Uint8Array<ArrayBuffer>> {
  return yield { position, length };
}

/** Runs a parser on a file held in memory. */
export function runOnBytes<T>(bytes: Uint8Array, parser: Reads<T>): T {
  let step = parser.next();
  while (!step.done) {
    const { position, length } = step.value;
    step = parser.next(new Uint8Array(bytes.subarray(position, position + length)));
  }
  return step.value;
}
