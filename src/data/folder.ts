// A folder of one's own pictures as a data set: a class per sub-folder, PNG and JPEG files of any sizes.
// folder-scan.ts finds the files, check-files.ts tries them; this file decides which part is for what.
// Nothing is ever written into the folder. Node only.

import { join, relative, sep } from "node:path";
import { ArgumentError, DataError } from "../errors.js";
import { type Checked, checkFiles } from "./check-files.js";
import type { DatasetSplits, FileDataset } from "./dataset.js";
import { extensionList, type Scan, scanClasses, subfolders } from "./folder-scan.js";
import { checkFolder } from "./published.js";
import { splitDataset, subset } from "./split.js";

export interface FolderOptions {
  /** Where the folder has no test part: the share of each class that becomes it. Default: 0.2. */
  readonly testFraction?: number;
  /** Where the folder has no test part: every picture is for testing, and none is for training. */
  readonly allTest?: boolean;
  /** 0 … 2^32 − 1: which pictures they are. Default: 0. */
  readonly seed?: number;
  /** 3 decodes all pictures in colour, 1 in grey. Default: 3. */
  readonly channels?: 1 | 3;
  /** Told how far the files have been tried, when there are many. */
  readonly onProgress?: (message: string) => void;
}

/** What the test part may be called, the first that there is. */
const testNames = ["test", "val", "valid", "validation"] as const;

/**
 * Loads a folder of pictures. Each sub-folder is a class of its name; files end in .png, .jpg or .jpeg
 * and may lie in folders of any depth. If the folder holds `train` and `test` (or `val`, `valid`,
 * `validation`), these are the parts, each with the same classes; otherwise a share of every class is
 * taken for testing, of a class with one picture none.
 *
 * Every file is decoded once, beside the JavaScript thread. Those that cannot be are left out, and
 * `notice` names them and says why.
 *
 * @throws DataError if there is no such folder, fewer than two classes, a class without a picture that
 *   can be decoded, or if the parts differ in their classes; ArgumentError for an option outside its range.
 * @example
 * const { train, test } = await loadFolder("animals", { seed: 1 });
 * train.classNames; // ["cat", "dog"]
 */
export async function loadFolder(
  path: string,
  options: FolderOptions = {},
): Promise<DatasetSplits<FileDataset>> {
  const { testFraction = 0.2, allTest = false, seed = 0, channels = 3, onProgress } = options;
  if (channels !== 1 && channels !== 3) {
    throw new ArgumentError("loadFolder", `channels must be 1 or 3, got ${channels}`);
  }
  await checkFolder(path);
  const parts = await findParts(path);
  const load = async (folder: string): Promise<Loaded> => {
    const scan = await scanClasses(folder);
    await checkClasses(folder, scan);
    const files = scan.classes.flatMap((each) => each.files);
    const checked = await checkFiles(folder, files, onProgress);
    return { scan, checked, dataset: assemble(folder, scan, checked, channels) };
  };
  if (!parts) {
    const { dataset, ...found } = await load(path);
    const [train, test] = allTest
      ? [subset(dataset, []), dataset]
      : splitDataset(dataset, testFraction, seed);
    const untested =
      test.count > 0 ? [] : [`No class of ${path} has two pictures: none are kept for testing.`];
    return noticed({ train, test }, [...untested, ...describe(path, [found])]);
  }
  const train = await load(join(path, parts.train));
  const test = await load(join(path, parts.test));
  checkSameClasses(train.dataset, test.dataset);
  const unused = parts.unused.map(
    (name) => `${join(path, name)} is not used: only ${parts.train} and ${parts.test} are.`,
  );
  return noticed({ train: train.dataset, test: test.dataset }, [
    ...unused,
    ...describe(path, [train, test]),
  ]);
}

interface Found {
  readonly scan: Scan;
  readonly checked: Checked;
}

interface Loaded extends Found {
  readonly dataset: FileDataset;
}

interface Parts {
  readonly train: string;
  readonly test: string;
  readonly unused: readonly string[];
}

/** The names of the parts' folders, in whatever case they are written; undefined if there are none. */
async function findParts(path: string): Promise<Parts | undefined> {
  const names = await subfolders(path);
  const find = (wanted: string) => names.find((name) => name.toLowerCase() === wanted);
  const train = find("train");
  if (train === undefined) return undefined;
  const test = testNames.map(find).find((name) => name !== undefined);
  if (test !== undefined) {
    return { train, test, unused: names.filter((name) => name !== train && name !== test) };
  }
  if (names.length > 1) return undefined; // a class that happens to be called so
  throw new DataError(
    path,
    `has ${train} but none of ${testNames.join(", ")} beside it; give ${join(path, train)} itself to have ` +
      "a share of it taken for testing",
  );
}

async function checkClasses(folder: string, scan: Scan): Promise<void> {
  const { classes, ignored, unreadable } = scan;
  const files = classes.flatMap((each) => each.files).length;
  if (classes.length === 0) {
    const loose =
      ignored.length === 0 ? "" : `; ${count(ignored.length, "file")} lie in no sub-folder`;
    throw new DataError(
      folder,
      `has no sub-folders; expected one for each class, with its pictures${loose}`,
    );
  }
  if (files === 0) {
    const why = unreadable.length === 0 ? "" : `; ${unreadable[0]!.message}`;
    throw new DataError(folder, `has no pictures (${extensionList}) in its sub-folders${why}`);
  }
  if (classes.length === 1) {
    const only = join(folder, classes[0]!.name);
    const inside = await subfolders(only);
    const hint = inside.length < 2 ? "" : `; did you mean ${only}?`;
    throw new DataError(
      folder,
      `has only one class, "${classes[0]!.name}"; expected a sub-folder for each of two or more${hint}`,
    );
  }
  for (const { name, files } of classes) {
    if (files.length > 0) continue;
    const path = join(folder, name);
    const closed = unreadable.find(({ file }) => file === path || file.startsWith(path + sep));
    if (closed) throw closed;
    const wayOut = `add some, or take the folder away`;
    throw new DataError(path, `has no pictures (${extensionList}); ${wayOut}`);
  }
}

/** The data set of the files that can be decoded. */
function assemble(
  folder: string,
  { classes }: Scan,
  { measured, damaged }: Checked,
  channels: number,
): FileDataset {
  const usable = classes.map(({ name, files }) => {
    const found = files.filter((file) => measured.has(file));
    if (found.length > 0) return found;
    const first = damaged.find(({ file }) => file === files[0])!;
    throw new DataError(
      join(folder, name),
      `has ${count(files.length, "picture")}, of which none can be decoded; ${first.message}`,
    );
  });
  const files = usable.flat();
  return {
    files,
    sizes: files.map((file) => measured.get(file)!.size),
    digests: files.map((file) => measured.get(file)!.digest),
    labels: Int32Array.from(usable.flatMap((found, label) => found.map(() => label))),
    count: files.length,
    channels,
    classNames: classes.map(({ name }) => name),
    source: folder,
  };
}

function checkSameClasses(train: FileDataset, test: FileDataset): void {
  const differ = (a: FileDataset, b: FileDataset) => {
    const other = a.classNames.find((name) => !b.classNames.includes(name));
    if (other === undefined) return;
    throw new DataError(
      b.source,
      `has no class "${other}", which ${a.source} has; both parts need the same sub-folders`,
    );
  };
  differ(train, test);
  differ(test, train);
}

/** Names that a notice lists before it only counts. */
const listed = 10;

/** What a user must be told of the files, line by line. */
function describe(path: string, found: readonly Found[]): string[] {
  const short = (file: string) => relative(path, file);
  const damaged = found.flatMap(({ scan, checked }) => [...scan.unreadable, ...checked.damaged]);
  const ignored = found.flatMap(({ scan }) => scan.ignored);
  const lines: string[] = [];
  if (damaged.length > 0) {
    lines.push(`${count(damaged.length, "file")} of ${path} left out:`);
    lines.push(...damaged.slice(0, listed).map((e) => `  ${short(e.file)}: ${e.problem}`));
    if (damaged.length > listed) lines.push(`  … and ${damaged.length - listed} more`);
  }
  if (ignored.length > 0) {
    const names = ignored.slice(0, listed).map(short).join(", ");
    const more = ignored.length > listed ? `, … and ${ignored.length - listed} more` : "";
    lines.push(
      `${count(ignored.length, "file")} of ${path} passed over (not ${extensionList}, or in no class): ${names}${more}`,
    );
  }
  return lines;
}

function noticed(
  { train, test }: DatasetSplits<FileDataset>,
  lines: readonly string[],
): DatasetSplits<FileDataset> {
  if (lines.length === 0) return { train, test };
  const notice = lines.join("\n");
  return { train: { ...train, notice }, test: { ...test, notice } };
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
