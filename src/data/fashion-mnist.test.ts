import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import type { Dataset } from "./dataset.js";
import { fashionMnistClasses, loadFashionMnist, loadFashionMnistSubset } from "./fashion-mnist.js";
import { hasMnistFiles, mnistFiles } from "./mnist-folder.js";

const subset = fileURLToPath(new URL("../../data/fashion-mnist-subset/", import.meta.url));
const debian = "/usr/share/datasets/fashion-mnist";
const real = await hasMnistFiles(debian);

let folder = "";
let empty = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-fashion-"));
  empty = join(folder, "empty");
  await mkdir(empty);
});
afterAll(() => rm(folder, { recursive: true }));

/** A folder with the subset's files, some of them changed. */
async function copyOfSubset(changes: Record<string, Uint8Array | undefined> = {}): Promise<string> {
  const copy = await mkdtemp(join(folder, "copy-"));
  for (const name of mnistFiles) {
    const file = `${name}.gz`;
    if (!(file in changes)) await copyFile(join(subset, file), join(copy, file));
    else if (changes[file]) await writeFile(join(copy, file), changes[file]);
  }
  return copy;
}

const perClass = ({ labels }: Dataset) => {
  const counts = new Array<number>(10).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
};
const image = ({ images }: Dataset, i: number) =>
  Buffer.from(images.subarray(i * 784, (i + 1) * 784)).toString("latin1");

describe("the subset that comes with Fovea", () => {
  it("parses, and has as many images of every class", async () => {
    const { train, test } = await loadFashionMnistSubset();
    const { images, labels, ...facts } = train;
    expect(facts).toEqual({
      count: 6000,
      height: 28,
      width: 28,
      channels: 1,
      classNames: fashionMnistClasses,
      source: subset,
    });
    expect(images.length).toBe(6000 * 784);
    expect(labels.length).toBe(6000);
    expect(test.count).toBe(1000);
    expect(perClass(train)).toEqual(new Array(10).fill(600));
    expect(perClass(test)).toEqual(new Array(10).fill(100));
  });

  it("is made of the real set's images, in its order", async ({ skip }) => {
    if (!real) return skip("the whole set is not installed (dataset-fashion-mnist)");
    const whole = await loadFashionMnist({ cacheDir: empty });
    const part = await loadFashionMnistSubset();
    for (const split of ["train", "test"] as const) {
      const taken = new Array<number>(10).fill(0);
      const most = split === "train" ? 600 : 100;
      let at = 0;
      for (let i = 0; i < whole[split].count; i++) {
        const label = whole[split].labels[i]!;
        if (taken[label]!++ >= most) continue;
        if (part[split].labels[at] !== label || image(part[split], at) !== image(whole[split], i)) {
          expect.fail(`image ${at} of ${split} is not image ${i} of the real set`);
        }
        at++;
      }
      expect(at).toBe(part[split].count);
    }
  });
});

describe("where it is looked for", () => {
  it("takes the files of Debian's package, and tells nothing", async ({ skip }) => {
    if (!real) return skip("the whole set is not installed (dataset-fashion-mnist)");
    const { train, test } = await loadFashionMnist({ cacheDir: empty, download: false });
    expect([train.count, test.count]).toEqual([60000, 10000]);
    expect(train.source).toBe(debian);
    expect(train.notice).toBeUndefined();
    // The first ten labels, as every introduction to the set prints them.
    expect([...train.labels.subarray(0, 10)]).toEqual([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
  });

  it("takes a given folder and nothing else, gzipped or not", async () => {
    const given = await copyOfSubset();
    const name = "t10k-labels-idx1-ubyte";
    await writeFile(join(given, name), gunzipSync(await readFile(join(subset, `${name}.gz`))));
    await rm(join(given, `${name}.gz`));
    const { train, test } = await loadFashionMnist({ dataDir: given });
    expect(train.source).toBe(given);
    expect(perClass(test)).toEqual(new Array(10).fill(100));
    const missing = join(empty, "train-images-idx3-ubyte.gz");
    await expect(loadFashionMnist({ dataDir: empty })).rejects.toThrow(
      `${missing}: cannot be read: there is no such file (ENOENT)`,
    );
  });

  it("says so when only the subset is left, and why", async () => {
    const options = { cacheDir: join(folder, "cache"), packageDir: empty };
    const { train, test } = await loadFashionMnist({ ...options, download: false });
    expect(train.count).toBe(6000);
    expect(train.notice).toBe(
      "Fashion-MNIST is not on this machine (downloads are switched off). Using the 6,000 training " +
        "and 1,000 test images that come with Fovea: accuracies will be lower than those of the " +
        `whole set. To use it, put its four .gz files into ${options.cacheDir}.`,
    );
    expect(test.notice).toBe(train.notice);
    const offline = await loadFashionMnist({
      ...options,
      fetch: () => Promise.reject(new TypeError("fetch failed", { cause: new Error("no route") })),
    });
    expect(offline.train.notice).toContain(
      "train-images-idx3-ubyte.gz: cannot be downloaded: no route). Using the 6,000",
    );
  });

  it("does without a cache that cannot be written", async () => {
    const file = join(folder, "a-file");
    await writeFile(file, "");
    const { train } = await loadFashionMnist({
      cacheDir: join(file, "cache"),
      packageDir: empty,
      fetch: () => expect.fail("nothing should be downloaded"),
    });
    expect(train.notice).toContain("cannot be written: a part of its path is not a folder");
  });
});

describe("the download", () => {
  const name = (url: unknown) => String(url).split("/").at(-1)!;

  it("checks, keeps, and uses what came; falls back to the second address", async ({ skip }) => {
    if (!real) return skip("the whole set is not installed (dataset-fashion-mnist)");
    const cacheDir = join(folder, "filled");
    const asked: string[] = [];
    const said: string[] = [];
    const fetch = async (url: unknown) => {
      asked.push(String(url));
      if (String(url).includes("github")) return new Response("gone", { status: 404 });
      return new Response(await readFile(join(debian, name(url))));
    };
    const options = { cacheDir, packageDir: empty, fetch, onProgress: (m: string) => said.push(m) };
    const { train } = await loadFashionMnist(options);
    expect(train.count).toBe(60000);
    expect(train.source).toBe(cacheDir);
    expect(asked.length).toBe(8);
    expect(said).toEqual([`downloading Fashion-MNIST (30 MB) to ${cacheDir}`]);
    expect((await readdir(cacheDir)).sort()).toEqual(mnistFiles.map((file) => `${file}.gz`).sort());
    await loadFashionMnist(options);
    expect(asked.length).toBe(8);

    // Damaged later: named, never used.
    const labels = join(cacheDir, "train-labels-idx1-ubyte.gz");
    const content = gunzipSync(await readFile(labels));
    content[100]! ^= 1;
    await writeFile(labels, gzipSync(content));
    await expect(loadFashionMnist(options)).rejects.toThrow(
      /train-labels-idx1-ubyte\.gz: is not the published file: expected content with sha256 bad3/,
    );
  });

  it("keeps nothing that is not the published file", async () => {
    const cacheDir = join(folder, "wrong");
    const { train } = await loadFashionMnist({
      cacheDir,
      packageDir: empty,
      fetch: async (url) => new Response(await readFile(join(subset, name(url)))),
    });
    expect(train.notice).toContain("is not the published file");
    expect(await readdir(cacheDir)).toEqual([]);
  });
});

describe("files that do not fit", () => {
  const idx = (shape: number[], data: number[]) => {
    const header = Buffer.alloc(4 + 4 * shape.length);
    header.set([0, 0, 8, shape.length]);
    for (const [i, n] of shape.entries()) header.writeUInt32BE(n, 4 + 4 * i);
    return gzipSync(Buffer.concat([header, Buffer.from(data)]));
  };
  const images = "t10k-images-idx3-ubyte.gz";
  const labels = "t10k-labels-idx1-ubyte.gz";

  it.each([
    [{ [images]: idx([1, 2, 3], [1, 2, 3, 4, 5, 6]) }, images, "has images of 2×3; expected 28×28"],
    [
      { [images]: idx([1, 28, 28], new Array(784).fill(0)), [labels]: idx([1], [10]) },
      labels,
      "has the label 10 at position 0; expected 0 to 9",
    ],
    [{ [labels]: idx([2], [1, 2]) }, labels, "has 2 labels; expected 1000, one for each image of "],
    [{ [labels]: Buffer.from("nonsense") }, labels, "is not a gzip file"],
    [
      { [labels]: idx([10001], new Array(10001).fill(0)) },
      labels,
      "decompresses to more than the 10008 bytes expected of it",
    ],
    [{ [labels]: undefined }, labels, "cannot be read: there is no such file"],
  ])("case %#", async (changes, file, message) => {
    const dataDir = await copyOfSubset(changes as Record<string, Uint8Array | undefined>);
    const error = await loadFashionMnist({ dataDir }).then(
      () => expect.fail("was read"),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain(`${join(dataDir, file)}: ${message}`);
  });
});
