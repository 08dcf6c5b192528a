// Which images a run learns from and is tested on: a list that is the same as long as they are, and what is
// another where it is not. Node only. When a run asks, and what it does then, is open-run.ts's.

import { createHash } from "node:crypto";
import { z } from "zod";
import { type AnyDataset, type DatasetSplits, isFileDataset } from "../data/dataset.js";

/** Images of one part: of a published set all in one, of a folder each file on its own. */
const schema = z.union([
  z.object({
    part: z.enum(["training", "test"]),
    source: z.string(),
    images: z.string(),
    labels: z.string(),
  }),
  z.object({
    part: z.enum(["training", "test"]),
    file: z.string(),
    class: z.string(),
    /** Null where nobody knows. */
    content: z.string().nullable(),
  }),
]);
type Entry = z.infer<typeof schema>;

/**
 * The images of a data set, whether they are used or not: where one comes or goes, others may be used. Of
 * images in memory all pixels and labels count; of files their paths and classes, and their content where
 * the data set knows it, as `loadFolder`'s does.
 *
 * @returns JSON, an entry a line.
 * @example
 * const images = listImages({ train: dataset, test: dataset }); // for RunFolder.create(…, { images })
 */
export function listImages({ train, test }: DatasetSplits<AnyDataset>): string {
  const entries = [...entriesOf("training", train), ...entriesOf("test", test)];
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
}

function entriesOf(part: Entry["part"], dataset: AnyDataset): Entry[] {
  const { source, labels, classNames } = dataset;
  if (!isFileDataset(dataset)) {
    return [{ part, source, images: sha256(dataset.images), labels: sha256(labels) }];
  }
  return dataset.files.map((file, i) => ({
    ...{ part, file, class: classNames[labels[i]!]! },
    content: dataset.digests?.[i] ?? null,
  }));
}

/** What tells one list from another. */
export const sha256 = (bytes: Uint8Array | Int32Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

/**
 * What is different now from what it was, in words: the first such thing.
 *
 * @param was As `listImages` gave it; it may have been damaged since.
 * @returns undefined if nothing is, or if the older list cannot be read.
 */
export function changedImage(was: string, now: string): string | undefined {
  const before = parsed(was);
  if (!before || was === now) return undefined;
  const after = parsed(now)!;
  const then = new Map(before.map((entry) => [keyOf(entry), entry]));
  const there = new Map(after.map((entry) => [keyOf(entry), entry]));
  for (const [key, entry] of then) {
    const problem = difference(entry, there.get(key));
    if (problem !== undefined) return problem;
  }
  for (const [key, entry] of there) {
    if (then.has(key)) continue;
    return "file" in entry
      ? `${key} was not among its images`
      : `it had no ${entry.part} images of ${entry.source}`;
  }
  return "its images came in another order";
}

function parsed(list: string): Entry[] | undefined {
  if (!list.endsWith("\n")) return undefined;
  try {
    const lines = list.split("\n").slice(0, -1);
    return lines.map((line) => schema.parse(JSON.parse(line)));
  } catch {
    return undefined;
  }
}

const keyOf = (entry: Entry) => ("file" in entry ? entry.file : entry.part);

function difference(was: Entry, is: Entry | undefined): string | undefined {
  if ("file" in was) {
    if (!is || !("file" in is)) return `${was.file} is missing, or can no longer be decoded`;
    if (is.content !== was.content) return `${was.file} has been changed`;
    return is.class === was.class ? undefined : `${was.file} was of class ${was.class}`;
  }
  const images = `the ${was.part} images of ${was.source}`;
  if (!is || "file" in is || is.images !== was.images) return `${images} have been changed`;
  if (is.labels !== was.labels) return `the labels of ${images} have been changed`;
  return is.source === was.source ? undefined : `${images} are now those of ${is.source}`;
}
