// A file that only grows, by whole records. Node only. What a record is, is decided elsewhere.

import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { DataError } from "../errors.js";
import { errorCode, fileError } from "../formats/files.js";

/**
 * Each record is with the operating system when `append` returns: a run that is killed loses none, and
 * a disk that fills up in the middle of one leaves those before it.
 */
export class AppendFile {
  #bytes: number;
  /** How long the file itself is: longer, where it was reopened and nothing was appended since. */
  #length: number;
  #open = true;

  private constructor(
    readonly path: string,
    private readonly descriptor: number,
    bytes = 0,
    length = bytes,
  ) {
    this.#bytes = bytes;
    this.#length = length;
  }

  /** @throws DataError if the file is there already, or cannot be made. */
  static create(path: string): AppendFile {
    try {
      return new AppendFile(path, openSync(path, "wx"));
    } catch (error) {
      throw fileError(path, "written", error);
    }
  }

  /**
   * Goes on with a file where it was so many bytes long; what was appended later is cut off when there is
   * something to take its place.
   *
   * @throws DataError if it is missing, shorter than that, or cannot be written.
   */
  static reopen(path: string, bytes: number): AppendFile {
    let descriptor: number | undefined;
    try {
      descriptor = openSync(path, "r+");
      const { size } = fstatSync(descriptor);
      if (size < bytes) {
        throw new DataError(path, `is ${size} bytes long; the checkpoint counts on ${bytes}`);
      }
      return new AppendFile(path, descriptor, bytes, size);
    } catch (error) {
      if (descriptor !== undefined) closeSync(descriptor);
      if (errorCode(error) === "ENOENT") {
        throw new DataError(path, `is missing; the checkpoint counts on ${bytes} bytes of it`);
      }
      throw fileError(path, "written", error);
    }
  }

  /** How long it is, up to where it goes on. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws DataError naming the file; it ends with the record before, then. */
  append(record: Uint8Array): void {
    // the descriptor may be another file's by now
    if (!this.#open) throw new DataError(this.path, "cannot be written: it was closed");
    try {
      if (this.#length > this.#bytes) ftruncateSync(this.descriptor, this.#bytes);
      this.#length = this.#bytes;
      // A disk that fills up takes a part first, and refuses the next.
      for (let done = 0; done < record.length; )
        done += writeSync(this.descriptor, record, done, record.length - done, this.#bytes + done);
    } catch (error) {
      this.#takeBack();
      throw fileError(this.path, "written", error);
    }
    this.#bytes += record.length;
    this.#length = this.#bytes;
  }

  /** Cuts off what was written of a record. A disk that refuses this as well has told why already. */
  #takeBack(): void {
    try {
      ftruncateSync(this.descriptor, this.#bytes);
    } catch {}
  }

  close(): void {
    if (this.#open) closeSync(this.descriptor);
    this.#open = false;
  }
}
