// PyTorch's files on disk, of any size: storages are read one by one. Node only. The format is pth.ts's.

import type { TensorEntry } from "./elements.js";
import { openStateDict, type PthOptions, readTensors } from "./pth.js";
import { runOnFile } from "./reads-file.js";

/**
 * Reads a state dict that `torch.save` wrote (`parsePth` says what is read, and what is refused).
 *
 * @returns The tensors by name, in the file's order.
 * @throws DataError if the file is missing, damaged, or holds anything but tensors.
 * @example
 * const weights = await readPth("weights.pth");
 * weights.get("1.weight")?.shape; // [10, 784]
 */
export async function readPth(
  file: string,
  options: PthOptions = {},
): Promise<Map<string, TensorEntry>> {
  return runOnFile(file, function* (size) {
    return yield* readTensors(yield* openStateDict(size, file, options));
  });
}
