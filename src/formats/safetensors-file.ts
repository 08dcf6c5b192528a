// safetensors files: reading and writing them on disk. Node only. The format itself is in
// safetensors.ts.

import type { TensorEntry } from "./elements.js";
import { writeFileAtomic } from "./files.js";
import { runOnFile } from "./reads-file.js";
import {
  encodeSafetensors,
  openSafetensors,
  readTensors,
  type StoredSource,
} from "./safetensors.js";
import type { SafetensorsHeader } from "./safetensors-header.js";

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
export async function readSafetensors(file: string): Promise<Map<string, TensorEntry>> {
  return runOnFile(file, function* (size) {
    return yield* readTensors(yield* openSafetensors(size, file));
  });
}

/**
 * Reads a file's header only: names, stored dtypes, shapes and metadata, whatever the file's size.
 *
 * @throws DataError as `readSafetensors` does.
 */
export async function readSafetensorsHeader(file: string): Promise<SafetensorsHeader> {
  return runOnFile(file, function* (size) {
    return (yield* openSafetensors(size, file)).header;
  });
}

/**
 * Writes tensors to a file: beside it first, flushed, then renamed, so that a crash leaves the old
 * file or the new one, never a part. The bytes depend on the content alone, not on its order. The
 * arrays must not change until the promise settles.
 *
 * @param entries Names with shape and data (f32, i32, u8 or i64), for instance a Map.
 * @param metadata Strings to keep in the header.
 * @throws ArgumentError for a shape that does not fit; DataError if the file cannot be written.
 * @example
 * await writeSafetensors("w.safetensors", [["w", { shape: [2], data: new Float32Array(2) }]]);
 */
export async function writeSafetensors(
  file: string,
  entries: Iterable<readonly [string, StoredSource]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(file, encodeSafetensors(entries, metadata));
}
