// IDX, the format of MNIST and its successors: a shape and unsigned bytes. Parsing only; whoever calls
// has the bytes. Browser-safe.
//
// Layout (Y. LeCun, "The MNIST database"): 0, 0, element type (8: u8), number of dimensions, then
// each dimension as a big-endian u32, then the elements in row-major order.

import { DataError } from "../errors.js";

export interface Idx {
  readonly shape: readonly number[];
  /** The elements, row-major: a view of the bytes that were parsed. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Parses an IDX file of unsigned bytes.
 *
 * @param bytes The file, decompressed.
 * @param rank The number of dimensions it must have: 3 for images, 1 for labels.
 * @param file Its name, for errors.
 * @throws DataError if the magic number, type, rank or length is not as expected.
 * @example const { shape, data } = parseIdx(idxBytes, 3, "train-images-idx3-ubyte");
 */
export function parseIdx(bytes: Uint8Array<ArrayBuffer>, rank: number, file: string): Idx {
  const start = 4 + 4 * rank;
  if (bytes.length < 4) {
    throw new DataError(file, `is ${bytes.length} bytes long; an IDX file has at least 4`);
  }
  const [zero1, zero2, type, dimensions] = bytes as unknown as [number, number, number, number];
  if (zero1 !== 0 || zero2 !== 0) {
    throw new DataError(
      file,
      `is not an IDX file: expected it to start with 00 00, got ${hex(bytes)}`,
    );
  }
  if (type !== 8) {
    throw new DataError(file, `has the IDX element type ${type}; expected 8 (unsigned bytes)`);
  }
  if (dimensions !== rank) {
    throw new DataError(file, `has ${dimensions} dimensions; expected ${rank}`);
  }
  if (bytes.length < start) {
    throw new DataError(file, `is cut off: ${bytes.length} bytes of a header of ${start}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);
  if (!Number.isSafeInteger(size)) {
    throw new DataError(file, `has the shape [${shape}], which is larger than any file`);
  }
  if (bytes.length !== start + size) {
    throw new DataError(
      file,
      `has the shape [${shape}] and so ${size} bytes of data; got ${bytes.length - start}`,
    );
  }
  return { shape, data: bytes.subarray(start) };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 2), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
