// A network's values to and from files, under PyTorch's names. Node only; the format is formats/'s.

import { fromTypedArray } from "../create.js";
import { DataError } from "../errors.js";
import type { TensorEntry } from "../formats/elements.js";
import { quote } from "../formats/quote.js";
import type { SafetensorsSource, StoredSource } from "../formats/safetensors.js";
import { readSafetensors, writeSafetensors } from "../formats/safetensors-file.js";
import { readTensors } from "../formats/tensors-file.js";
import { sameShape, showShape } from "../graph/shape.js";
import type { AnyModule } from "../nn/module.js";
import type { StateTensor } from "../nn/parameter.js";
import { nearestName } from "./nearest.js";
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

/**
 * As `saveWeights`, for values that have been read.
 *
 * @param notes What else the file shall say of them, as text by name. A run's say `run`, which is the same
 *   for the same settings and images, `epoch` and `step`.
 */
export async function writeWeights(
  weights: Weights,
  file: string,
  notes: Readonly<Record<string, string>> = {},
): Promise<void> {
  const stored = [...weights].map(([name, source]) => [name, asStored(source)] as const);
  await writeSafetensors(file, stored, { ...notes, format: "pt" });
}

/** What `writeWeights` has written. */
export async function readWeightsFile(file: string): Promise<Weights> {
  const entries = await readSafetensors(file);
  return new Map(
    Array.from(entries, ([name, { shape, data }]) => [
      name,
      { shape, data: data instanceof BigInt64Array ? Int32Array.from(data, Number) : data },
    ]),
  );
}

/** Counters are i32 here and i64 in PyTorch, which shall find its own type. */
function asStored({ shape, data }: SafetensorsSource): StoredSource {
  return { shape, data: data instanceof Int32Array ? BigInt64Array.from(data, BigInt) : data };
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
  /** What all of the file's names begin with, and none of the network's: "module.", say. */
  readonly wrapper?: string;
}

/** What was left as it was (or unread). */
export interface Leftover {
  /** Without the file's `wrapper`. */
  readonly name: string;
  /** "[10, 4096] here, [1000, 4096] there", "not in the file", "not in the network". */
  readonly reason: string;
  /** Of a name that the other side does not have, one that it has and that is nearly the same. */
  readonly nearest?: string;
}

/** A file whose names or shapes are not the network's. */
export class WeightsMismatchError extends DataError {
  constructor(
    file: string,
    problem: string,
    readonly left: readonly Leftover[],
    /** As in `LoadReport`. */
    readonly wrapper = "",
  ) {
    super(file, problem);
  }
}

/**
 * Replaces the parameters and buffers of a network by those of a file: safetensors, or a state dict that
 * PyTorch saved (.pt, .pth). Which of them it is, the file's content says. Counters that PyTorch keeps as
 * i64 (`num_batches_tracked`) become the network's i32; where the file has none, as before PyTorch 0.4.1,
 * they stay as they are. What wraps networks (DataParallel, torch.compile, Lightning) puts a name of its own
 * before all others: it is left out.
 *
 * @throws DataError if the file is missing or damaged; WeightsMismatchError, which is one too, if its
 *   names or shapes are not the network's (with `partial`: if none of them are). The network is then as
 *   it was.
 * @example
 * await loadWeights(net, "net.safetensors");
 * await loadWeights(net, "weights.pth");
 * const { left } = await loadWeights(net, "net.safetensors", { partial: true });
 * for (const { name, reason } of left) console.log(`${name}: ${reason}`);
 */
export async function loadWeights(
  net: AnyModule,
  file: string,
  { partial = false }: LoadWeightsOptions = {},
): Promise<LoadReport> {
  const own = net.stateDict();
  const stored = await readTensors(file);
  const wrapper = wrapperOf([...stored.keys()], own);
  const entries = new Map([...stored].map(([name, entry]) => [name.slice(wrapper.length), entry]));
  const fitting = new Map<string, SafetensorsSource>();
  const left: Leftover[] = [];
  for (const [name, state] of own) {
    if (isCounter(name) && !entries.has(name)) continue;
    const found = fitted(state, entries.get(name));
    if (typeof found === "string") left.push({ name, reason: found });
    else fitting.set(name, found);
  }
  for (const name of entries.keys()) {
    if (!own.has(name)) left.push({ name, reason: notInNetwork });
  }
  addNearest(left);
  if (!partial && left.length > 0) {
    const problem = `does not fit the network${without(wrapper)}; ${listLeft(left)}`;
    throw new WeightsMismatchError(file, problem, left, wrapper);
  }
  if (fitting.size === 0) {
    const problem = `holds nothing that fits the network${without(wrapper)}; ${listLeft(left)}`;
    throw new WeightsMismatchError(file, problem, left, wrapper);
  }
  for (const [name, { shape, data }] of fitting) own.get(name)!.set(fromTypedArray(data, shape));
  return { loaded: [...fitting.keys()], left, ...(wrapper !== "" && { wrapper }) };
}

/** More modules around a network than anyone has. */
const mostWrappers = 4;

/**
 * What has to be left out of a file's names so that some of them are the network's: "" where they are so
 * already, or where nothing that all of them begin with helps.
 */
export function wrapperOf(names: readonly string[], own: ReadonlyMap<string, unknown>): string {
  let wrapper = "";
  for (let depth = 0; depth <= mostWrappers; depth++) {
    if (names.some((name) => own.has(name.slice(wrapper.length)))) return wrapper;
    const [first = ""] = names;
    wrapper = first.slice(0, first.indexOf(".", wrapper.length) + 1);
    if (wrapper === "" || !names.every((name) => name.startsWith(wrapper))) break;
  }
  return "";
}

const notInFile = "not in the file";
const notInNetwork = "not in the network";

/** PyTorch's rule for what files of before 0.4.1 lack (BatchNorm's _load_from_state_dict). */
const isCounter = (name: string) => name.endsWith("num_batches_tracked");

/** For how many names it is looked for what they may have been meant to be. */
const mostCompared = 20;

/** Names of either side that the other does not have are perhaps the same, but for a letter or a prefix. */
function addNearest(left: Leftover[]): void {
  const named = (reason: string) => left.filter((l) => l.reason === reason).map(({ name }) => name);
  const others: Readonly<Record<string, readonly string[]>> = {
    [notInFile]: named(notInNetwork),
    [notInNetwork]: named(notInFile),
  };
  for (const [i, leftover] of left.slice(0, mostCompared).entries()) {
    const nearest = nearestName(leftover.name, others[leftover.reason] ?? []);
    if (nearest !== undefined) left[i] = { ...leftover, nearest };
  }
}

/** `fc.weight: not in the file, which has module.fc.weight` */
export function inWords({ name, reason, nearest }: Leftover): string {
  return `${showName(name)}: ${reason}${nearest === undefined ? "" : `, which has ${showName(nearest)}`}`;
}

/** As it is where it looks like one: a stranger's file may name tensors anything. */
const showName = (name: string) =>
  /^[\w.-]+$/.test(name) && name.length < 200 ? name : quote(name);

/** Of a file whose names begin with a wrapper's: which names are spoken of. */
export const without = (wrapper: string): string =>
  wrapper === "" ? "" : `, also without ${quote(wrapper)}`;

/** The first of them, each with its reason. */
export function listLeft(left: readonly Leftover[], most = 4): string {
  const shown = left.slice(0, most).map(inWords);
  return shown.join("; ") + (left.length > most ? `; … (${left.length} in all)` : "");
}

/** The entry as values for the state, or why it is none. */
function fitted(
  { shape, dtype }: StateTensor,
  entry: TensorEntry | undefined,
): SafetensorsSource | string {
  if (!entry) return notInFile;
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
