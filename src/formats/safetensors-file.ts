// safetensors files: reading and writing them on disk. Node only. The format itself is in
// safetensors.ts.

import type { FileHandle } from "node:fs/promises";
import { allocate, readAt, withFile, writeFileAtomic } from "./files.js";
import {
  decode,
  encodeSafetensors,
  type SafetensorsEntry,
  type SafetensorsSource,
} from "./safetensors.js";
import { headerLength, parseHeader, type SafetensorsHeader } from "./safetensors-header.js";

/**
 * Reads every tensor of a file, one after the other; the header is checked against the file's size
 * before any of them is allocated.
 *
 * @returns The tensors by name, in the order of their bytes.
 * @throws DataError if the file is missing, damaged, or not safetensors.
 * @example
 * const weights = await readSafetensors("weights.safetensors");
 * weights.get("1.weight")?.shape; // [10, 784]
 */
export async function readSafetensors(file: string): Promise<Map<string, SafetensorsEntry>> {
  return withFile(file, async (handle, size) => {
    const { header, start } = await readHeader(file, handle, size);
    const tensors = new Map<string, SafetensorsEntry>();
    for (const layout of header.tensors) {
      const bytes = allocate(file, layout.end - layout.begin);
      await readAt(file, handle, bytes, start + layout.begin);
      tensors.set(layout.name, decode(layout, bytes.buffer));
    }
    return tensors;
  });
}

/**
 * Reads a file's header only: names, stored dtypes, shapes and metadata, whatever the file's size.
 *
 * @throws DataError as `readSafetensors` does.
 */
export async function readSafetensorsHeader(file: string): Promise<SafetensorsHeader> {
  return withFile(file, async (handle, size) => (await readHeader(file, handle, size)).header);
}

async function readHeader(file: string, handle: FileHandle, size: number) {
  const prefix = new Uint8Array(Math.min(8, size));
  await readAt(file, handle, prefix, 0);
  const bytes = new Uint8Array(headerLength(prefix, size, file));
  await readAt(file, handle, bytes, 8);
  const start = 8 + bytes.length;
  return { header: parseHeader(bytes, size - start, file), start };
}

/**
 * Writes tensors to a file: beside it first, flushed, then renamed, so that a crash leaves the old
 * file or the new one, never a part. The bytes depend on the content alone, not on its order. The
 * arrays must not change until the promise settles.
 *
 * @param entries Names with shape and data (f32, i32 or u8), for instance a Map.
 * @param metadata Strings to keep in the header.
 * @throws ArgumentError for a shape that does not fit; DataError if the file cannot be written.
 * @example
 * await writeSafetensors("w.safetensors", [["w", { shape: [2], data: new Float32Array(2) }]]);
 */
export async function writeSafetensors(
  file: string,
  entries: Iterable<readonly [string, SafetensorsSource]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(file, encodeSafetensors(entries, metadata));
}
