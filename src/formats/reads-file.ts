// Runs parsers (reads.ts) on files on disk, which are never in memory as a whole. Node only.

import type { FileHandle } from "node:fs/promises";
import { allocate, readAt, withFile } from "./files.js";
import type { ByteRange, Reads } from "./reads.js";

/** What is read at once where a parser asks for small pieces that lie side by side. */
const windowBytes = 256 * 1024;

/**
 * Opens a file and runs the parser that `parse` makes for its size.
 *
 * @throws DataError if the file cannot be read, and what the parser throws.
 */
export async function runOnFile<T>(file: string, parse: (size: number) => Reads<T>): Promise<T> {
  return withFile(file, async (handle, size) => {
    const source = new FileSource(file, handle, size);
    const parser = parse(size);
    let step = parser.next();
    while (!step.done) step = parser.next(await source.read(step.value));
    return step.value;
  });
}

/** Reads ranges; small ones by way of a window, so that a thousand of them are not a thousand reads. */
class FileSource {
  #window = new Uint8Array(0);
  #start = 0;

  constructor(
    readonly file: string,
    readonly handle: FileHandle,
    readonly size: number,
  ) {}

  async read({ position, length }: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
    if (length > windowBytes / 4) {
      const bytes = allocate(this.file, length);
      await readAt(this.file, this.handle, bytes, position);
      return bytes;
    }
    const end = this.#start + this.#window.length;
    if (position < this.#start || position + length > end) {
      this.#window = new Uint8Array(Math.min(windowBytes, this.size - position));
      this.#start = position;
      await readAt(this.file, this.handle, this.#window, position);
    }
    const from = position - this.#start;
    return this.#window.slice(from, from + length);
  }
}
