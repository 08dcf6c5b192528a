// A network's values to and from files, under PyTorch's names. Node only; the format is formats/'s.

import { fromTypedArray } from "../create.js";
import { DataError } from "../errors.js";
import type { TensorEntry } from "../formats/elements.js";
import type { SafetensorsSource } from "../formats/safetensors.js";
import { readSafetensors, writeSafetensors } from "../formats/safetensors-file.js";
import { sameShape, showShape } from "../graph/shape.js";
import type { AnyModule } from "../nn/module.js";
import type { StateTensor } from "../nn/parameter.js";
import { readWeights, type Weights } from "./values.js";

/**
 * Writes all parameters and buffers of a network to a safetensors file, whole or not at all.
 *
 * @throws DataError if it cannot be written.
 * @example await saveWeights(net, "net.safetensors"); // torch: safetensors.torch.load_file(…)
 */
export async function saveWeights(net: AnyModule, file: string): Promise<void> {
  await writeWeights(await readWeights(net), file);
}

/** As `saveWeights`, for values that have been read. */
export async function writeWeights(weights: Weights, file: string): Promise<void> {
  await writeSafetensors(file, weights, { format: "pt" });
}

export interface LoadWeightsOptions {
  /** Takes what fits by name and shape, and leaves the rest as it is. Default: false, all must fit. */
  readonly partial?: boolean;
}

/** What became of every name of the network and of the file. */
export interface LoadReport {
  /** Names that now have the file's values. */
  readonly loaded: readonly string[];
  /** All others, each with the reason. */
  readonly left: readonly Leftover[];
}

/** What was left as it was (or unread). */
export interface Leftover {
  readonly name: string;
  /** "[10, 4096] here, [1000, 4096] there", "not in the file", "not in the network". */
  readonly reason: string;
}

/** A file whose names or shapes are not the network's. */
export class WeightsMismatchError extends DataError {
  constructor(
    file: string,
    problem: string,
    readonly left: readonly Leftover[],
  ) {
    super(file, problem);
  }
}

/**
 * Replaces the parameters and buffers of a network by those of a safetensors file. Counters that
 * PyTorch keeps as i64 (`num_batches_tracked`) become the network's i32.
 *
 * @throws DataError if the file is missing or damaged; WeightsMismatchError, which is one too, if its
 *   names or shapes are not the network's (with `partial`: if none of them are). The network is then as
 *   it was.
 * @example
 * await loadWeights(net, "net.safetensors");
 * const { left } = await loadWeights(net, "net.safetensors", { partial: true });
 * for (const { name, reason } of left) console.log(`${name}: ${reason}`);
 */
export async function loadWeights(
  net: AnyModule,
  file: string,
  { partial = false }: LoadWeightsOptions = {},
): Promise<LoadReport> {
  const entries = await readSafetensors(file);
  const own = net.stateDict();
  const fitting = new Map<string, SafetensorsSource>();
  const left: Leftover[] = [];
  for (const [name, state] of own) {
    const found = fitted(state, entries.get(name));
    if (typeof found === "string") left.push({ name, reason: found });
    else fitting.set(name, found);
  }
  for (const name of entries.keys()) {
    if (!own.has(name)) left.push({ name, reason: "not in the network" });
  }
  if (!partial && left.length > 0) {
    throw new WeightsMismatchError(file, `does not fit the network; ${listLeft(left)}`, left);
  }
  if (fitting.size === 0) {
    const problem = `holds nothing that fits the network; ${listLeft(left)}`;
    throw new WeightsMismatchError(file, problem, left);
  }
  for (const [name, { shape, data }] of fitting) own.get(name)!.set(fromTypedArray(data, shape));
  return { loaded: [...fitting.keys()], left };
}

/** The first of them, each with its reason. */
export function listLeft(left: readonly Leftover[], most = 4): string {
  const shown = left.slice(0, most).map(({ name, reason }) => `${name}: ${reason}`);
  return shown.join("; ") + (left.length > most ? `; … (${left.length} in all)` : "");
}

/** The entry as values for the state, or why it is none. */
function fitted(
  { shape, dtype }: StateTensor,
  entry: TensorEntry | undefined,
): SafetensorsSource | string {
  if (!entry) return "not in the file";
  if (!sameShape(shape, entry.shape)) {
    return `${showShape(shape)} here, ${showShape(entry.shape)} there`;
  }
  if (entry.dtype !== "i64") return entry;
  if (dtype !== "i32") return `${dtype} here, i64 there`;
  const data = Int32Array.from(entry.data, Number);
  return entry.data.every((value, i) => BigInt(data[i]!) === value)
    ? { shape, data }
    : `too large for ${dtype}`;
}
