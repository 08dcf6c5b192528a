// Weights from a file of either format, told apart by what it holds and never by its name. Node only.

import { DataError } from "../errors.js";
import type { TensorEntry } from "./elements.js";
import { openStateDict, type PthOptions, readTensors as readStateDict } from "./pth.js";
import { pthKind } from "./pth-archive.js";
import { type Reads, read } from "./reads.js";
import { runOnFile } from "./reads-file.js";
import { openSafetensors, readTensors as readSafetensors } from "./safetensors.js";
import { maxHeaderBytes } from "./safetensors-header.js";

/**
 * Reads the tensors of a safetensors file, or of a state dict that `torch.save` wrote (.pt, .pth):
 * whichever the file is, whatever it is called.
 *
 * @param options `key`: of a PyTorch file with several state dicts, the one to read.
 * @returns The tensors by name.
 * @throws DataError if it is neither, or damaged, or holds Python objects other than tensors.
 * @example
 * const tensors = await readTensors("weights.pth");
 * tensors.get("1.weight")?.shape; // [10, 784]
 */
export async function readTensors(
  file: string,
  options: PthOptions = {},
): Promise<Map<string, TensorEntry>> {
  return runOnFile(file, function* (size) {
    return (yield* isPth(size, file))
      ? yield* readStateDict(yield* openStateDict(size, file, options))
      : yield* readSafetensors(yield* openSafetensors(size, file));
  });
}

/** The shapes of a file's tensors by name; reads no tensor. Errors as `readTensors`'s. */
export async function readShapes(
  file: string,
  options: PthOptions = {},
): Promise<Map<string, readonly number[]>> {
  return runOnFile(file, function* (size) {
    if (yield* isPth(size, file)) {
      const { tensors } = yield* openStateDict(size, file, options);
      return new Map([...tensors].map(([name, { shape }]) => [name, shape] as const));
    }
    const { header } = yield* openSafetensors(size, file);
    return new Map(header.tensors.map(({ name, shape }) => [name, shape] as const));
  });
}

/** Whether it is PyTorch's; if not, it begins as a safetensors file does, or is too short to tell. */
function* isPth(size: number, file: string): Reads<boolean> {
  const start = yield* read(0, Math.min(16, size));
  // A header's length and its first brace. Asked first: a length may look like another format's start.
  const length = size < 9 ? 0n : new DataView(start.buffer).getBigUint64(0, true);
  if (size < 9 || (length <= BigInt(maxHeaderBytes) && start[8] === 0x7b)) return false;
  if (pthKind(start) !== undefined || isPickle(start)) return true;
  throw new DataError(
    file,
    `is neither a safetensors file nor one that torch.save has written (it starts with bytes ${hex(start)})`,
  );
}

/** The opcode PROTO and a protocol: a pickle by itself, of which pth-archive.ts says what is wrong. */
const isPickle = (start: Uint8Array) => start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5;

const hex = (start: Uint8Array) =>
  Array.from(start.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
