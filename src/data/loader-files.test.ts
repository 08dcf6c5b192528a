import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect } from "../../test/support/batches.js";
import "../engine.js";
import { ArgumentError, DataError } from "../errors.js";
import type { FileDataset } from "./dataset.js";
import { encodePng } from "./decode.js";
import { DataLoader } from "./loader.js";
import { subset } from "./split.js";
import {
  CenterCrop,
  ColorJitter,
  RandomCrop,
  RandomHorizontalFlip,
  RandomResizedCrop,
  Resize,
  type Transform,
} from "./transforms/transform.js";

describe("files", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fovea-files-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Picture i, of the value i·20 if nothing else is said, as a PNG file; wider and wider. */
  async function files(
    count: number,
    known = true,
    value = (picture: number, _at: number) => 20 * picture,
  ): Promise<FileDataset> {
    const made = await mkdtemp(join(folder, "set-"));
    const sizes = Array.from({ length: count }, (_, i) => [4, 4 + i] as const);
    const paths = sizes.map((_, i) => join(made, `${i}.png`));
    for (const [i, [height, width]] of sizes.entries()) {
      const data = new Uint8Array(3 * height * width).map((_, at) => value(i, at));
      await writeFile(paths[i]!, await encodePng({ data, channels: 3, height, width }));
    }
    const labels = Int32Array.from(paths, (_, i) => i % 2);
    const classNames = ["even", "odd"];
    const facts = { labels, count, channels: 3, classNames, source: made };
    return { ...facts, files: paths, ...(known && { sizes }) };
  }

  it("are decoded, in place and by workers, to the same batches", async () => {
    const dataset = await files(7);
    const transforms = [RandomCrop(4), RandomHorizontalFlip()];
    const options = { batchSize: 3, shuffle: true, transforms };
    const inPlace = await collect(new DataLoader(dataset, { ...options, workers: 0 }).rawEpoch(1));
    expect(inPlace.map(({ shape }) => shape[0])).toEqual([3, 3, 1]);
    for (const { images, indices, labels } of inPlace) {
      for (const [i, index] of indices.entries()) {
        expect(labels[i]).toBe(index % 2);
        expect([...images.subarray(i * 48, (i + 1) * 48)]).toEqual(new Array(48).fill(20 * index));
      }
    }
    const loader = new DataLoader(dataset, { ...options, workers: 2 });
    expect(await collect(loader.rawEpoch(1))).toEqual(inPlace);
    expect(await collect(loader.rawEpoch(1, { startBatch: 2 }))).toEqual(inPlace.slice(2));

    await writeFile(dataset.files[5]!, "no longer a picture");
    const threads = new DataLoader(dataset, { ...options, workers: 2 });
    await expect(collect(threads.rawEpoch(1))).rejects.toThrow(
      new DataError(
        dataset.files[5]!,
        "is not a PNG or JPEG image (it starts with bytes 6e 6f 20 6c)",
      ),
    );
    await rm(dataset.files[5]!);
    const later = new DataLoader(dataset, { ...options, workers: 0 });
    await expect(collect(later.rawEpoch(1))).rejects.toThrow(
      `${dataset.files[5]}: cannot be read: there is no such file (ENOENT)`,
    );
  });

  it("give the same pixels from what is kept of them as from the files", async () => {
    const dataset = await files(7, true, (picture, at) => (picture * 91 + at * at * 37) % 256);
    const fixed = fc.constantFrom<Transform[]>(
      [],
      [Resize([6, 7])],
      [Resize(8), CenterCrop([7, 9])],
    );
    const random = fc.subarray<Transform>([
      RandomHorizontalFlip(),
      ColorJitter({ brightness: 0.5, hue: 0.3 }),
    ]);
    const part = fc.constantFrom<Transform>(RandomCrop(4), RandomResizedCrop(5), CenterCrop(4));
    const after = fc.constantFrom<Transform[]>([], [Resize([3, 8])]);
    const start = fc.nat(3);
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fixed, random, part, after).map((lists) => lists.flat()),
        fc.constantFrom(0, 0, 1, 2, 3),
        fc.constantFrom(300, 2 ** 30),
        fc.tuple(start, start, start),
        async (transforms, workers, keepBytes, starts) => {
          const options = { batchSize: 3, shuffle: true, seed: 5, transforms };
          const loader = new DataLoader(dataset, { ...options, workers, keepBytes });
          const plain = new DataLoader(dataset, { ...options, workers: 0, keepBytes: 0 });
          for (const [epoch, startBatch] of starts.entries()) {
            const expected = await collect(plain.rawEpoch(epoch, { startBatch }));
            expect(await collect(loader.rawEpoch(epoch, { startBatch }))).toEqual(expected);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each([0, 2])(
    "are decoded once where there is room for them, with %i workers",
    async (workers) => {
      const transforms = [Resize([4, 5]), RandomCrop(4)]; // 60 bytes are kept of each picture
      const options = { batchSize: 2, workers, transforms };
      const dataset = await files(6);
      const [all, none] = [{}, { keepBytes: 0 }].map(
        (more) => new DataLoader(dataset, { ...options, ...more }),
      );
      const some = new DataLoader(dataset, { ...options, keepBytes: 3 * 60 + 59 });
      const expected = await collect(none!.rawEpoch(1));
      for (const loader of [all!, some]) await collect(loader.rawEpoch(0));

      const gone = (at: number) =>
        `${dataset.files[at]}: cannot be read: there is no such file (ENOENT)`;
      for (const at of [0, 1, 2]) await rm(dataset.files[at]!);
      expect(await collect(some.rawEpoch(1))).toEqual(expected);
      await expect(collect(none!.rawEpoch(1))).rejects.toThrow(gone(0));
      for (const at of [3, 4, 5]) await rm(dataset.files[at]!);
      expect(await collect(all!.rawEpoch(1))).toEqual(expected);
      await expect(collect(some.rawEpoch(1))).rejects.toThrow(gone(3));
    },
  );

  it("must come out in one size", async () => {
    const known = await files(3);
    const unknown = await files(3, false);
    const shape = (dataset: FileDataset, transforms: readonly Transform[]) =>
      new DataLoader(dataset, { batchSize: 2, transforms }).imageShape;
    for (const dataset of [known, unknown]) {
      expect(shape(dataset, [Resize([2, 3])])).toEqual([3, 2, 3]);
      expect(shape(dataset, [Resize(2), CenterCrop(2)])).toEqual([3, 2, 2]);
    }
    // 4×5 becomes 2×2, as 4×4 does; 4×6 does not.
    expect(() => shape(known, [Resize(2)])).toThrow(
      new DataError(
        known.files[2]!,
        `becomes 2×3, but ${known.files[0]} becomes 2×2; a batch needs pictures of one size: add a ` +
          "CenterCrop, or a Resize to [height, width]",
      ),
    );
    const same = { ...known, sizes: known.sizes!.map(() => [4, 4] as const) };
    expect(shape(same, [])).toEqual([3, 4, 4]);
    await expect(
      collect(new DataLoader(same, { batchSize: 3, workers: 0 }).rawEpoch(0)),
    ).rejects.toThrow(
      new DataError(known.files[1]!, "comes out of the transforms as 4×5; expected 4×4"),
    );
    const refused = (dataset: FileDataset) =>
      new DataError(
        dataset.files[0]!,
        "does not fit: RandomCrop: a part of 5×5 has no room in a picture of 4×4; put a Resize before it",
      );
    expect(() => shape(known, [RandomCrop(5)])).toThrow(refused(known));
    const large = { batchSize: 3, workers: 0, transforms: [RandomCrop(5)] };
    await expect(collect(new DataLoader(unknown, large).rawEpoch(0))).rejects.toThrow(
      refused(unknown),
    );
    expect(() => shape(unknown, [Resize(2)])).toThrow(
      new DataError(
        unknown.source,
        "holds pictures whose sizes are not known, and the transforms leave them different; add a " +
          "CenterCrop, or a Resize to [height, width]",
      ),
    );
    expect(() => shape(subset(known, []), [])).toThrow(
      `${known.source}: holds no pictures, and the transforms leave them different; add a CenterCrop,`,
    );
  });

  it("must fit into memory, a batch too, and say so before any of them is read", () => {
    const strip: FileDataset = {
      files: ["strip.png"],
      sizes: [[1, 5000]],
      labels: Uint8Array.of(0),
      count: 1,
      channels: 3,
      classNames: ["a"],
      source: "set",
    };
    const wanted = (dataset: FileDataset, transforms: readonly Transform[]) => () =>
      new DataLoader(dataset, { batchSize: 512, transforms });
    expect(wanted(strip, [Resize(224), CenterCrop(224)])).toThrow(
      new DataError(
        "strip.png",
        "does not fit: Resize: a picture of 1×5000 would become 224×1120000, more than 134217728 " +
          "pixels; leave it out, or resize to [height, width]",
      ),
    );
    const many = { ...strip, count: 512 };
    expect(wanted(many, [Resize([2048, 2048])])).toThrow(
      new ArgumentError(
        "DataLoader",
        "a batch of 512 pictures of 3×2048×2048 has 6442450944 bytes, more than 4294967296; take a " +
          "batchSize of at most 341, or a smaller Resize",
      ),
    );
    expect(wanted(strip, [Resize([2048, 2048])])).not.toThrow();
  });
});
