// Fashion-MNIST: 70,000 pictures of clothes, 28×28 grey, in ten classes (H. Xiao, K. Rasul, R.
// Vollgraf, 2017). This file knows where to find it; mnist-folder.ts reads it. Node only.

import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FoveaError } from "../errors.js";
import { fileError, writeFileAtomic } from "../formats/files.js";
import type { DatasetSplits } from "./dataset.js";
import { download } from "./download.js";
import {
  exists,
  hasMnistFiles,
  type MnistFormat,
  mnistFiles,
  readMnistFolder,
  unpack,
} from "./mnist-folder.js";

/** The classes, in the order of their labels 0…9. */
export const fashionMnistClasses: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

const format: MnistFormat = {
  classNames: fashionMnistClasses,
  side: 28,
  sha256: {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
  },
};

/** Its authors' own: the repository, then the address given in its README. */
const addresses: readonly string[] = [
  "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
  "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
];
/** The largest of the four is 26 MB. */
const maxDownloadBytes = 64_000_000;

/** Debian's package dataset-fashion-mnist. */
const debianFolder = "/usr/share/datasets/fashion-mnist";
/** Beside src/ and dist/ alike. */
const subsetFolder = fileURLToPath(new URL("../../data/fashion-mnist-subset/", import.meta.url));

export interface FashionMnistOptions {
  /** A folder with the four files, gzipped or not. If given, no other place is looked at. */
  readonly dataDir?: string;
  /** Where downloads are kept; by default `$XDG_CACHE_HOME` or `~/.cache`, then `fovea/fashion-mnist`. */
  readonly cacheDir?: string;
  /** Another place for the files of Debian's package. */
  readonly packageDir?: string;
  /** Whether the network may be used. Default: true. */
  readonly download?: boolean;
  /** Told what takes long, before it starts: a download of 30 MB. */
  readonly onProgress?: (message: string) => void;
  /** In place of the global fetch, for tests and proxies. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Fashion-MNIST, from the first of: `dataDir`; the cache folder; Debian's package
 * dataset-fashion-mnist; a download, checked and kept in the cache folder; the part of it that comes
 * with Fovea (6,000 training and 1,000 test images), in which case `notice` says so.
 *
 * @returns Both parts, u8 [60000, 28, 28, 1] and [10000, 28, 28, 1] when whole.
 * @throws DataError if `dataDir` lacks a file, or any file found is damaged or not the published one
 *   (files in `dataDir` may be others, as long as they are of the same form).
 * @example
 * const { train, test } = await loadFashionMnist();
 * if (train.notice) console.error(train.notice);
 */
export async function loadFashionMnist(options: FashionMnistOptions = {}): Promise<DatasetSplits> {
  if (options.dataDir !== undefined) return readMnistFolder(options.dataDir, format, false);
  const cache = options.cacheDir ?? defaultCacheFolder();
  for (const folder of [cache, options.packageDir ?? debianFolder]) {
    if (await hasMnistFiles(folder)) return readMnistFolder(folder, format, true);
  }
  let problem = "downloads are switched off";
  if (options.download ?? true) {
    try {
      await fillCache(cache, options);
      return await readMnistFolder(cache, format, true);
    } catch (error) {
      if (!(error instanceof FoveaError)) throw error;
      problem = error.message;
    }
  }
  return loadFashionMnistSubset(
    `Fashion-MNIST is not on this machine (${problem}). Using the 6,000 training and 1,000 test ` +
      "images that come with Fovea: accuracies will be lower than those of the whole set. To use it, " +
      `put its four .gz files into ${cache}.`,
  );
}

/**
 * The part of Fashion-MNIST that comes with Fovea: 600 training and 100 test images of each class.
 *
 * @param notice What to say about it.
 */
export async function loadFashionMnistSubset(notice?: string): Promise<DatasetSplits> {
  const { train, test } = await readMnistFolder(subsetFolder, format, false);
  if (notice === undefined) return { train, test };
  return { train: { ...train, notice }, test: { ...test, notice } };
}

function defaultCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  // The specification of XDG says that a relative path is to be ignored.
  const cache = base !== undefined && isAbsolute(base) ? base : join(homedir(), ".cache");
  return join(cache, "fovea", "fashion-mnist");
}

/** Downloads what is missing; a file appears in the cache only once it has been checked. */
async function fillCache(cache: string, options: FashionMnistOptions): Promise<void> {
  await mkdir(cache, { recursive: true }).catch((error: unknown) => {
    throw fileError(cache, "written", error);
  });
  options.onProgress?.(`downloading Fashion-MNIST (30 MB) to ${cache}`);
  for (const name of mnistFiles) {
    const file = join(cache, `${name}.gz`);
    if (await exists(file)) continue;
    await writeFileAtomic(file, [await fetchChecked(name, options.fetch)]);
  }
}

/** From the first address that gives the published file; the first one's error if none does. */
async function fetchChecked(
  name: (typeof mnistFiles)[number],
  fetch: FashionMnistOptions["fetch"],
): Promise<Uint8Array> {
  let first: unknown;
  for (const address of addresses) {
    const url = `${address}${name}.gz`;
    try {
      const bytes = await download(url, { maxBytes: maxDownloadBytes, ...(fetch && { fetch }) });
      await unpack(name, format, url, bytes, true);
      return bytes;
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}
