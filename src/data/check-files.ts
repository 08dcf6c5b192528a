// Tries the pictures of a folder before anything is learned from them: each is decoded once, and thrown
// away. What cannot be decoded is found here and not in the middle of a training. Node only.

import { availableParallelism } from "node:os";
import { DataError } from "../errors.js";
import { type Measured, measureImage } from "./read-image.js";

export interface Checked {
  /** Every file that can be decoded. */
  readonly measured: ReadonlyMap<string, Measured>;
  /** What is wrong with the others, in the order of the files. */
  readonly damaged: readonly DataError[];
}

/** A line of progress comes every so many files. */
const progressFiles = 1000;

/**
 * Decodes each file, several at a time, on threads of their own.
 *
 * @param folder For what `onProgress` is told.
 */
export async function checkFiles(
  folder: string,
  files: readonly string[],
  onProgress?: (message: string) => void,
): Promise<Checked> {
  const results: (Measured | DataError)[] = new Array(files.length);
  let next = 0;
  let done = 0;
  const goOn = async (): Promise<void> => {
    while (next < files.length) {
      const at = next++;
      results[at] = await measureImage(files[at]!).catch((error: unknown) => {
        if (error instanceof DataError) return error;
        throw error;
      });
      if (++done % progressFiles === 0) {
        onProgress?.(`checked ${done} of ${files.length} pictures in ${folder}`);
      }
    }
  };
  if (files.length >= progressFiles) {
    onProgress?.(`checking ${files.length} pictures in ${folder}`);
  }
  await Promise.all(Array.from({ length: availableParallelism() }, goOn));
  const measured = new Map<string, Measured>();
  const damaged: DataError[] = [];
  for (const [at, result] of results.entries()) {
    if (result instanceof DataError) damaged.push(result);
    else measured.set(files[at]!, result);
  }
  return { measured, damaged };
}
