import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, indicesOf, numbered } from "../../test/support/batches.js";
import { transpileInto } from "../../test/support/transpile.js";
import "../engine.js";
import { ArgumentError } from "../errors.js";
import { DataLoader, type DataLoaderOptions } from "./loader.js";
import { Resize } from "./transforms/transform.js";

describe("batches", () => {
  it("keep the order of the data set, and a smaller last batch", async () => {
    const loader = new DataLoader(numbered(5), { batchSize: 2 });
    expect([loader.batches, loader.count, loader.imageShape]).toEqual([3, 5, [1, 4, 4]]);
    const batches = await collect(loader.rawEpoch(0));
    expect(indicesOf(batches)).toEqual([[0, 1], [2, 3], [4]]);
    expect(batches[2]!.shape).toEqual([1, 1, 4, 4]);
    expect([...batches[2]!.images]).toEqual(Array.from({ length: 16 }, (_, i) => 64 + i));
    expect(batches[1]!.labels).toEqual(new Int32Array([2, 3]));
  });

  it("are complete and in place for any size, order and start", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          count: fc.nat(40),
          batchSize: fc.integer({ min: 1, max: 12 }),
          limit: fc.nat(50),
          shuffle: fc.boolean(),
          dropLast: fc.boolean(),
          epoch: fc.nat(5),
        }),
        async ({ count, limit, epoch, batchSize, ...options }) => {
          const dataset = numbered(count, 2, 3);
          const loader = new DataLoader(dataset, { batchSize, limit, ...options });
          const batches = await collect(loader.rawEpoch(epoch));
          expect(batches.length).toBe(loader.batches);
          const used = Math.min(count, limit);
          const seen = indicesOf(batches).flat();
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen.length).toBe(options.dropLast ? used - (used % batchSize) : used);
          for (const index of seen) expect(index).toBeLessThan(used);
          for (const { images, indices, labels } of batches) {
            // Channels last in the set, first in the batch.
            for (const [i, index] of indices.entries()) {
              expect(labels[i]).toBe(index % 10);
              expect(images[i * 12 + 4]).toBe(dataset.images[index * 12 + 1]);
            }
          }
          const start = Math.min(2, loader.batches);
          const rest = await collect(loader.rawEpoch(epoch, { startBatch: start }));
          expect(rest).toEqual(batches.slice(start));
        },
      ),
    );
  });

  it("are tensors in a plain loop, which goes one epoch further each time", async () => {
    const loader = new DataLoader(numbered(6), { batchSize: 4, shuffle: true, seed: 3 });
    for (const epoch of [0, 1]) {
      const expected = await collect(loader.rawEpoch(epoch));
      let at = 0;
      for await (const [x, y] of loader) {
        const raw = expected[at++]!;
        expect([x.shape, x.dtype, y.shape, y.dtype]).toEqual([
          raw.shape,
          "u8",
          [raw.labels.length],
          "i32",
        ]);
        expect(await x.data()).toEqual(raw.images);
        expect(await y.data()).toEqual(raw.labels);
      }
      expect(at).toBe(2);
    }
    const again: number[] = [];
    for await (const [, y] of loader.epoch(1)) again.push(...(await y.data()));
    expect(again).toEqual((await collect(loader.rawEpoch(1))).flatMap((b) => [...b.labels]));
  });

  it("shuffle by seed and epoch, within the limit", async () => {
    const order = async (options: Partial<DataLoaderOptions>, epoch: number) => {
      const loader = new DataLoader(numbered(30), { batchSize: 7, shuffle: true, ...options });
      return indicesOf(await collect(loader.rawEpoch(epoch))).flat();
    };
    const first = await order({ seed: 1 }, 0);
    expect(await order({ seed: 1 }, 0)).toEqual(first);
    expect(await order({ seed: 1 }, 1)).not.toEqual(first);
    expect(await order({ seed: 2 }, 0)).not.toEqual(first);
    expect((await order({ seed: 1, limit: 10 }, 0)).sort()).toEqual([..."0123456789"].map(Number));
    // The batch size cuts the same order.
    expect(await order({ seed: 1, batchSize: 11 }, 0)).toEqual(first);
  });
});

describe("compiled, in a process of its own", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fovea-loader-"));
    transpileInto(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What a program prints that has a loader over 10 images of 28×28, resized to 56×56. */
  async function run(program: string): Promise<string> {
    const file = join(folder, "program.js");
    const set = `${numbered.toString()}\nconst dataset = numbered(10, 28);`;
    await writeFile(
      file,
      `import { createHash } from "node:crypto";
      import { DataLoader } from "./dist/data/loader.js";
      import { Resize } from "./dist/data/transforms/transform.js";
      ${set}
      const loader = new DataLoader(dataset, { batchSize: 3, transforms: [Resize(56)], workers: 2 });
      ${program}`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000 });
    return stdout.trim();
  }

  it("waits for its workers, gives the same pixels, and ends", async () => {
    const out = await run(`const hash = createHash("sha256");
      for await (const { images } of loader.rawEpoch(0)) hash.update(images);
      console.log(hash.digest("hex"));`);
    const hash = createHash("sha256");
    const loader = new DataLoader(numbered(10, 28), {
      batchSize: 3,
      transforms: [Resize(56)],
      workers: 0,
    });
    for await (const { images } of loader.rawEpoch(0)) hash.update(images);
    expect(out).toBe(hash.digest("hex"));
  });

  it("does not keep the process alive when a loop is left or forgotten", async () => {
    expect(await run("for await (const _ of loader.rawEpoch(0)) break; console.log('left');")).toBe(
      "left",
    );
    expect(await run("await loader.rawEpoch(0).next(); console.log('forgotten');")).toBe(
      "forgotten",
    );
  });
});

describe("options", () => {
  it.each([
    [{ batchSize: 0 }, "batchSize must be a whole number, at least 1; got 0"],
    [{ batchSize: 2.5 }, "batchSize must be a whole number, at least 1; got 2.5"],
    [{ batchSize: 1, seed: -1 }, "seed must be a whole number, 0 to 4294967295; got -1"],
    [{ batchSize: 1, limit: Number.NaN }, "limit must be a whole number, at least 0; got NaN"],
    [{ batchSize: 1, workers: 65 }, "workers must be a whole number, 0 to 64; got 65"],
    [{ batchSize: 1, prefetch: 0 }, "prefetch must be a whole number, at least 1; got 0"],
    [{ batchSize: 1, keepBytes: -1 }, "keepBytes must be a whole number, at least 0; got -1"],
  ])("%j", (options, message) => {
    expect(() => new DataLoader(numbered(1), options)).toThrow(
      new ArgumentError("DataLoader", message),
    );
  });

  it("start an epoch within its batches", async () => {
    const loader = new DataLoader(numbered(4), { batchSize: 2 });
    expect(await collect(loader.rawEpoch(0, { startBatch: 2 }))).toEqual([]);
    await expect(collect(loader.rawEpoch(0, { startBatch: 3 }))).rejects.toThrow(
      "DataLoader: startBatch must be a whole number, 0 to 2; got 3",
    );
    await expect(collect(loader.rawEpoch(-1))).rejects.toThrow(ArgumentError);
  });

  it("allow for nothing at all", async () => {
    const loader = new DataLoader(numbered(4), { batchSize: 2, limit: 0, transforms: [Resize(8)] });
    expect(loader.batches).toBe(0);
    expect(await collect(loader.rawEpoch(0))).toEqual([]);
  });
});
