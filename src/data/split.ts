// Parts of data sets: some of the images, or a share of every class. Browser-safe.

import { ArgumentError } from "../errors.js";
import { type AnyDataset, type FileDataset, isFileDataset } from "./dataset.js";
import { imagesAt } from "./layout.js";
import { permutation } from "./shuffle.js";

/** Separates the draw of a part from that of an epoch's order with the same seed. */
const stream = 0x73706c74; // "splt"

/**
 * Some images of a data set, in the order of `indices`. Those in memory are copied.
 *
 * @throws ArgumentError for an index that the data set does not have.
 * @example subset(dataset, [3, 1]).count; // 2
 */
export function subset<D extends AnyDataset>(dataset: D, indices: ArrayLike<number>): D;
export function subset(dataset: AnyDataset, indices: ArrayLike<number>): AnyDataset {
  const chosen = Array.from(indices);
  for (const index of chosen) {
    if (Number.isInteger(index) && index >= 0 && index < dataset.count) continue;
    throw new ArgumentError("subset", `expected indices 0 to ${dataset.count - 1}, got ${index}`);
  }
  const count = chosen.length;
  const labels = Int32Array.from(chosen, (index) => dataset.labels[index]!);
  return isFileDataset(dataset)
    ? { ...dataset, labels, count, ...filesAt(dataset, chosen) }
    : { ...dataset, labels, count, images: imagesAt(dataset, chosen) };
}

function filesAt({ files, sizes, digests }: FileDataset, chosen: readonly number[]) {
  return {
    files: chosen.map((index) => files[index]!),
    ...(sizes && { sizes: chosen.map((index) => sizes[index]!) }),
    ...(digests && { digests: chosen.map((index) => digests[index]!) }),
  };
}

/**
 * Takes a share of every class away, to validate or to test with. Each class gives the share that it
 * has, rounded, but at least one image if it has two, and never its last one. The order stays as it was.
 *
 * @param fraction Between 0 and 1: the share of the second part.
 * @param seed 0 … 2^32 − 1: which images they are.
 * @returns What stays, and what was taken: together every image, once.
 * @throws ArgumentError for a fraction or seed outside its range.
 * @example
 * const [train, validation] = splitDataset(dataset, 0.1, 0);
 * train.count + validation.count === dataset.count; // true
 */
export function splitDataset<D extends AnyDataset>(
  dataset: D,
  fraction: number,
  seed: number,
): [rest: D, part: D] {
  if (!(fraction > 0 && fraction < 1)) {
    throw new ArgumentError("splitDataset", `fraction must be between 0 and 1, got ${fraction}`);
  }
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new ArgumentError("splitDataset", `seed must be 0 to 4294967295, got ${seed}`);
  }
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < dataset.count; i++) {
    const label = dataset.labels[i]!;
    const members = byClass.get(label);
    if (members) members.push(i);
    else byClass.set(label, [i]);
  }
  const taken = new Set<number>();
  for (const [label, members] of byClass) {
    const share = Math.max(Math.round(members.length * fraction), 1);
    // A class draws by its own number, so that it does not matter what the others have.
    const order = permutation(members.length, seed, label, stream);
    for (let i = 0; i < Math.min(share, members.length - 1); i++) taken.add(members[order[i]!]!);
  }
  const all = Array.from({ length: dataset.count }, (_, i) => i);
  return [
    subset(
      dataset,
      all.filter((i) => !taken.has(i)),
    ),
    subset(
      dataset,
      all.filter((i) => taken.has(i)),
    ),
  ];
}
