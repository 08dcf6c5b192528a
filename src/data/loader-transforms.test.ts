import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collect, indicesOf, numbered } from "../../test/support/batches.js";
import { compile } from "../compile.js";
import { fromTypedArray } from "../create.js";
import "../engine.js";
import type { Tensor } from "../tensor.js";
import { channelsFirst } from "./layout.js";
import { DataLoader, type RawBatch } from "./loader.js";
import { withoutIdentities } from "./sizes.js";
import { makePictureTransform } from "./transforms/apply.js";
import {
  CenterCrop,
  ColorJitter,
  Normalize,
  RandomCrop,
  RandomHorizontalFlip,
  Resize,
  type Transform,
} from "./transforms/transform.js";

describe("transforms", () => {
  const dataset = numbered(23, 6, 3);

  it("are applied in order, to every picture", async () => {
    const transforms = [CenterCrop([2, 4]), Resize([4, 8]), RandomHorizontalFlip(1)];
    const loader = new DataLoader(dataset, { batchSize: 23, workers: 0, transforms });
    expect(loader.imageShape).toEqual([3, 4, 8]);
    const [batch] = await collect(loader.rawEpoch(0));
    const apply = makePictureTransform(transforms);
    const planes = channelsFirst(dataset.images.slice(), 3, 36);
    for (let i = 0; i < 23; i++) {
      const data = planes.subarray(i * 108, (i + 1) * 108);
      const expected = apply({ data, channels: 3, height: 6, width: 6 }, () => 0);
      expect(batch!.images.subarray(i * 96, (i + 1) * 96)).toEqual(expected.data);
    }
  });

  it("are drawn anew each epoch, for each picture, and from each seed", async () => {
    const transforms = [RandomCrop(4), RandomHorizontalFlip()];
    const same = { ...numbered(40, 6), images: new Uint8Array(40 * 36).map((_, i) => i % 36) };
    const pictures = async (epoch: number, seed = 0) => {
      const loader = new DataLoader(same, { batchSize: 40, workers: 0, seed, transforms });
      const [{ images }] = (await collect(loader.rawEpoch(epoch))) as [RawBatch];
      return Array.from({ length: 40 }, (_, i) => images.subarray(i * 16, (i + 1) * 16).join());
    };
    const first = await pictures(0);
    // Nine places, mirrored or not: 40 draws of 18 give 16 of them, on average.
    expect(new Set(first).size).toBeGreaterThan(8);
    expect(await pictures(0)).toEqual(first);
    expect(await pictures(1)).not.toEqual(first);
    expect(await pictures(0, 1)).not.toEqual(first);
  });

  it("give a picture the same pixels in any batch, by any worker", async () => {
    const transforms = [
      Resize(9),
      RandomCrop(6),
      RandomHorizontalFlip(),
      ColorJitter({ hue: 0.5 }),
    ];
    const options = { shuffle: true, seed: 9, transforms };
    const whole = new DataLoader(dataset, { ...options, batchSize: 23, workers: 0 });
    const [{ images, indices }] = (await collect(whole.rawEpoch(2))) as [RawBatch];
    const threads = [1, 3].map((workers) => {
      return [workers, new DataLoader(dataset, { ...options, batchSize: 4, workers })] as const;
    });
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          workers: fc.constantFrom(0, 1, 3),
          prefetch: fc.integer({ min: 1, max: 7 }),
          batchSize: fc.integer({ min: 1, max: 9 }),
          start: fc.nat(5),
        }),
        async ({ workers, prefetch, batchSize, start }) => {
          // Threads are not started again and again: the loaders that have some stay the same.
          const kept = threads.find(([count]) => count === workers)?.[1];
          const loader =
            kept ?? new DataLoader(dataset, { ...options, batchSize, prefetch, workers: 0 });
          const startBatch = Math.min(start, loader.batches);
          const batches = await collect(loader.rawEpoch(2, { startBatch }));
          const from = startBatch * loader.batchSize;
          expect(indicesOf(batches).flat()).toEqual([...indices.subarray(from)]);
          expect(Buffer.concat(batches.map((batch) => batch.images))).toEqual(
            Buffer.from(images.subarray(from * 108)),
          );
        },
      ),
      { numRuns: 20 },
    );
  });

  it("cost nothing where they change nothing", async () => {
    const transforms = [Resize(6), CenterCrop(6), Normalize([0, 0, 0], [1, 1, 1])];
    const loader = new DataLoader(dataset, { batchSize: 8, transforms, workers: 1 });
    const plain = new DataLoader(dataset, { batchSize: 8 });
    expect(await collect(loader.rawEpoch(0))).toEqual(await collect(plain.rawEpoch(0)));
    // Nothing is left of such a list, and so no thread is started for it.
    const flip = RandomHorizontalFlip();
    const list = [Resize(6), flip, CenterCrop(6), Resize([6, 6]), CenterCrop(4), Resize(4)];
    expect(withoutIdentities(list, [6, 6])).toEqual([flip, CenterCrop(4)]);
  });

  it("keep proportions for one number", () => {
    const wide = { ...numbered(1), height: 2, width: 8 };
    const shape = (transforms: readonly Transform[]) =>
      new DataLoader(wide, { batchSize: 1, transforms }).imageShape;
    expect(shape([Resize(5)])).toEqual([1, 5, 20]);
    expect(shape([Resize(5), CenterCrop(5)])).toEqual([1, 5, 5]);
  });

  it("may end with Normalize, which `pixels` computes", async () => {
    const transforms = [Normalize([0.5, 0.4, 0.3], [0.2, 0.25, 0.5])];
    const loader = new DataLoader(dataset, { batchSize: 2, transforms });
    const pixels = compile((x: Tensor) => loader.pixels(x));
    for await (const [x] of loader) {
      const [bytes, values] = [await x.data(), await (await pixels(x)).data()];
      const [mean, std] = [
        [0.5, 0.4, 0.3],
        [0.2, 0.25, 0.5],
      ];
      for (const [i, byte] of bytes.entries()) {
        const channel = Math.trunc(i / 36) % 3;
        // Three roundings to f32 of values up to 5: 3 · 5 · 2^-24 < 1e-6.
        const expected = (byte / 255 - mean![channel]!) / std![channel]!;
        expect(Math.abs(values[i]! - expected)).toBeLessThan(1e-6);
      }
      break;
    }
    const plain = compile((x: Tensor) => new DataLoader(dataset, { batchSize: 1 }).pixels(x));
    expect([
      ...(await (await plain(fromTypedArray(Uint8Array.of(0, 51, 255), [3]))).data()),
    ]).toEqual([0, Math.fround(0.2), 1]);
  });

  it.each([
    [[Normalize([0.5], [0.5])], "Normalize: the images have 3 channels; got 1 numbers (0.5)"],
    [
      [Normalize([0, 0, 0], [1, 1, 1]), Resize(4)],
      "transforms: Normalize must be the last of the list, and once",
    ],
    [
      [Normalize([0, 0, 0], [1, 1, 1]), Normalize([0, 0, 0], [1, 1, 1])],
      "transforms: Normalize must be the last of the list, and once",
    ],
  ])("are refused where they do not fit, case %#", (transforms, message) => {
    expect(() => new DataLoader(dataset, { batchSize: 1, transforms })).toThrow(message);
  });

  it("leave the loop early without a trace, by break and by an error", async () => {
    const options = { batchSize: 2, transforms: [Resize(12)], workers: 1 };
    const loader = new DataLoader(dataset, options);
    for await (const batch of loader.rawEpoch(0)) {
      expect(batch.shape[2]).toBe(12);
      break;
    }
    const fails = async () => {
      for await (const _ of loader) throw new Error("of the user's own");
    };
    await expect(fails()).rejects.toThrow("of the user's own");
    expect((await collect(loader.rawEpoch(0))).length).toBe(12);
  });
});
