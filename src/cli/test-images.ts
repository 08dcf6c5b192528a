// The images that a run's network is measured on: those that its training tested with, unless others are
// asked for.

import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import {
  type AnyDataset,
  DataLoader,
  isFileDataset,
  openDataset,
  parseTransforms,
} from "../data/index.js";
import { DataError } from "../errors.js";
import { exists } from "../formats/files.js";
import { type Classifier, type Evaluation, evaluate } from "../look/index.js";
import { grouped } from "../look/numbers.js";
import type { RunConfig } from "../train/config.js";
import { countImages } from "./counter.js";
import { UsageError } from "./errors.js";
import { note } from "./print.js";
import { limit } from "./train/images.js";

/** The options of commands that look at test images; what is not given is as in the run. */
export interface TestImages {
  /** A data set's name, or folder:PATH. */
  readonly data?: string;
  readonly dataDir?: string;
  readonly limitTest?: number;
}

/**
 * Test images as the run's network expects them, in the batches of its training: measured on them, it
 * does exactly as well as the training logged. Of another folder, its test part; if it has none, all.
 *
 * @throws UsageError for options that do not go together; DataError if they cannot be read, or are of other classes or colours than the run's.
 */
export async function openTestImages(config: RunConfig, options: TestImages): Promise<DataLoader> {
  const name = options.data ?? config.data;
  if (isFolder(name) && options.dataDir !== undefined)
    throw new UsageError("--data-dir is for published data sets; folder:PATH names its own folder");
  // The run's folder of files is the run's data set's.
  const dataDir = options.dataDir ?? (name === config.data ? config.dataDir : null);
  if (options.data === undefined && options.dataDir === undefined) await checkThere(config);
  const { test } = await openDataset(name, {
    ...(dataDir !== null && { dataDir }),
    seed: config.seed,
    allTest: !ownFolder(name, config),
    onProgress: note,
  });
  if (test.notice) note(test.notice);
  const most = options.limitTest ?? limitOf(config);
  return new DataLoader(limit(checked(test, config), most, "--limit-test", note), {
    batchSize: config.batchSize,
    transforms: parseTransforms(config.transforms.eval),
    keepBytes: 0, // one epoch is all
  });
}

/** A run may come from another machine, and its images may have been moved: then the way out is ours. */
async function checkThere({ data, dataDir }: RunConfig): Promise<void> {
  const folder = data.startsWith("folder:") ? data.slice("folder:".length) : dataDir;
  if (folder === null || (await exists(folder))) return;
  const option = data.startsWith("folder:") ? "--data folder:PATH" : "--data-dir DIR";
  throw new DataError(
    folder,
    `the run's images are not there; say with ${option} where they are now`,
  );
}

/**
 * Whether the run was trained with this folder, which may have been moved: no other has anything that the
 * network has learnt from.
 */
function ownFolder(name: string, { data }: RunConfig): boolean {
  const path = (folder: string) => resolve(folder.slice(folder.indexOf(":") + 1));
  const [asked, own] = [path(name), path(data)];
  if (name === data || !isFolder(name) || !isFolder(data)) return name === data;
  return asked === own || (basename(asked) === basename(own) && !existsSync(own));
}

const isFolder = (name: string) => name.startsWith("folder:");

/** "40 images, all of pets", "1,000 test images from data/mnist". */
export function imagesInWords(
  { dataset: { source }, count }: DataLoader,
  config: RunConfig,
  { data = config.data, limitTest }: TestImages,
): string {
  const undivided = isFolder(data) && source === data.slice(data.indexOf(":") + 1);
  const n = grouped(count);
  if (!undivided) return `${n} test images from ${source}`;
  if (ownFolder(data, config))
    return `${n} test images from ${source}, which the training left out`;
  return limitTest === undefined
    ? `${n} images, all of ${source}`
    : `${n} of the images of ${source}`;
}

/** What the network does on them; on a terminal, a line counts them meanwhile. */
export function measured(
  { network }: Classifier,
  test: DataLoader,
  purpose: string,
  mistakes?: number,
): Promise<Evaluation> {
  const count = countImages(purpose);
  count(0, test.count);
  const onProgress = (done: number) => count(done, test.count);
  return evaluate(network, test, { onProgress, ...(mistakes !== undefined && { mistakes }) });
}

/** Those images if they are of the run's classes, and as grey or colourful as the network takes them. */
function checked(test: AnyDataset, { classNames, network }: RunConfig): AnyDataset {
  const same =
    test.classNames.length === classNames.length &&
    test.classNames.every((className, i) => className === classNames[i]);
  if (!same) {
    const problem = `its classes are ${list(test.classNames)}; the run's are ${list(classNames)}`;
    throw new DataError(test.source, problem);
  }
  const channels = network.inChannels;
  if (test.channels === channels) return test;
  if (isFileDataset(test)) return { ...test, channels }; // as which they are then decoded
  const kind = (count: number) =>
    count === 1 ? "grey" : count === 3 ? "in colour" : `${count}-channel`;
  throw new DataError(
    test.source,
    `its images are ${kind(test.channels)}; those of the run are ${kind(channels)}`,
  );
}

/** How many test images the run was measured on; null for all, also where it was not measured. */
function limitOf({ limitTest }: RunConfig): number | null {
  return typeof limitTest === "number" && limitTest > 0 ? limitTest : null;
}

const list = (names: readonly string[]) =>
  names.slice(0, 10).join(", ") + (names.length > 10 ? `, … (${names.length} in all)` : "");
