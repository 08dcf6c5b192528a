// gzip, strictly: one whole member, nothing cut off, nothing after it, and never more output than
// the caller allows. Node only (zlib does the work, off the JavaScript thread).

import { createGunzip } from "node:zlib";
import { DataError } from "../errors.js";
import { allocate, errorCode } from "./files.js";

/** A header of 10 bytes, an empty deflate stream of 2, a trailer of 8 (RFC 1952). */
const smallest = 20;

/**
 * Decompresses a gzip file held in memory.
 *
 * @param bytes The compressed file.
 * @param maxBytes The most that it may expand to. A file that says that it is larger is refused
 *   before anything is decompressed, one that turns out to be larger as soon as it does.
 * @param file Its name, for errors.
 * @throws DataError if it is not gzip, cut off, damaged (checksum included), followed by anything, or
 *   larger than `maxBytes`.
 * @example const idx = await gunzip(gzipBytes, 7_840_016, "t10k-images-idx3-ubyte.gz");
 */
export async function gunzip(
  bytes: Uint8Array,
  maxBytes: number,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
    throw new DataError(file, "is not a gzip file (it does not start with bytes 1f 8b)");
  }
  if (bytes.length < smallest)
    throw new DataError(file, "is cut off: its gzip data ends too early");
  // The last four bytes tell the size. zlib checks them against the content; we allocate by them.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = view.getUint32(bytes.length - 4, true);
  if (size > maxBytes) throw tooLarge(file, maxBytes);
  const output = allocate(file, size);
  let length = 0;
  const stream = createGunzip({ chunkSize: 1 << 18 });
  try {
    stream.end(bytes);
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      if (length + chunk.length > maxBytes) throw tooLarge(file, maxBytes);
      if (length + chunk.length > size) {
        throw new DataError(file, `holds more than the ${size} bytes that its end tells`);
      }
      output.set(chunk, length);
      length += chunk.length;
    }
  } catch (error) {
    throw describe(file, error);
  }
  // zlib leaves zeros after the end alone, and counts only what it took.
  if (stream.bytesWritten !== bytes.length || length !== size) {
    throw new DataError(file, "goes on after the end of its gzip data");
  }
  return output;
}

function tooLarge(file: string, maxBytes: number): DataError {
  return new DataError(file, `decompresses to more than the ${maxBytes} bytes expected of it`);
}

function describe(file: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === "Z_BUF_ERROR") {
    return new DataError(file, "is cut off: its gzip data ends too early");
  }
  if (code?.startsWith("Z_")) {
    return new DataError(file, `is damaged: its gzip data has an ${(error as Error).message}`);
  }
  return error;
}
