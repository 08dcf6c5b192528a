// Every example in the documentation comments runs, and gives what it says.

import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../src/compile.js";
import * as data from "../src/data/index.js";
import { permutation } from "../src/data/shuffle.js";
import { gunzip } from "../src/formats/gzip.js";
import * as formats from "../src/formats/index.js";
import * as fovea from "../src/index.js";
import * as look from "../src/look/index.js";
import * as train from "../src/train/index.js";
import { examplesIn, runExample } from "./support/doc-examples.js";
import { encodePth } from "./support/pth.js";
import { lenetConfig, writeRun } from "./support/runs.js";

const src = join(dirname(fileURLToPath(import.meta.url)), "../src");
const examples = examplesIn(src);

/** A number within what four printed digits tell; anything else exactly. */
function expectShown(actual: unknown, expected: unknown): void {
  if (typeof expected === "number") expect(actual).toBeCloseTo(expected, 4);
  else expect(actual).toEqual(expected);
}

describe("examples in the documentation", () => {
  const folder = mkdtempSync(join(tmpdir(), "fovea-examples-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  let model: object;
  beforeAll(async () => {
    await writeRun(join(folder, "run"), lenetConfig(), fovea.lenet());
    const epoch = {
      epoch: 1,
      trainLoss: 1.25,
      trainAcc: 0.5,
      lr: 0.1,
      examplesPerSecond: 9,
      seconds: 1,
    };
    await writeFile(join(folder, "run", "metrics.jsonl"), `${JSON.stringify(epoch)}\n`);
    const boot = { data: new Uint8Array(9 * 7).fill(99), channels: 1, height: 9, width: 7 };
    await writeFile(join(folder, "boot.png"), await data.encodePng(boot));
    model = await loadAtHome(folder);
  });

  test("are found", () => expect(examples.length).toBeGreaterThan(25));

  test.each(examples.map((example) => [example.where, example] as const))(
    "%s",
    async (_, example) => {
      const net = new fovea.nn.Sequential(new fovea.nn.Flatten(), new fovea.nn.Linear(784, 10));
      const { train: images } = await data.loadFashionMnistSubset();
      const loader = () => new data.DataLoader(images, { batchSize: 32, limit: 64 });
      const entries = [...net.stateDict()].map(async ([name, t]) => {
        return [name, { shape: t.shape, data: (await t.data()) as fovea.TypedArray }] as const;
      });
      const chunks = [...formats.encodeSafetensors(await Promise.all(entries))];
      const safetensorsBytes = Buffer.concat(chunks);
      const pthBytes = encodePth(await Promise.all(entries));
      const idxBytes = Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]);
      await writeFile(join(folder, "weights.safetensors"), safetensorsBytes);
      await writeFile(join(folder, "weights.pth"), pthBytes);
      await train.saveWeights(net, join(folder, "net.safetensors"));
      for (const file of ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]) {
        const path = join(folder, "animals", file);
        await mkdir(dirname(path), { recursive: true });
        const picture = { data: new Uint8Array(3 * 4 * 4), channels: 3, height: 4, width: 4 };
        await writeFile(path, await data.encodePng(picture));
      }
      const scope = {
        ...fovea,
        ...fovea.nn,
        ...fovea.nn.functional,
        ...fovea.nn.init,
        ...fovea.optim,
        ...data,
        ...formats,
        ...train,
        ...look,
        ...atHome(folder),
        model,
        compile,
        gunzip,
        permutation,
        net,
        images: fovea.zeros([2, 1, 28, 28]),
        dataset: { ...images, count: 128 },
        train: loader(),
        test: loader(),
        optimizer: new fovea.optim.SGD(net.parameters(), { lr: 0.1 }),
        history: { curve: [{ epoch: 1, trainLoss: 1, trainAcc: 0.5 }], epochs: [] },
        safetensorsBytes,
        pthBytes,
        idxBytes,
        gzipBytes: gzipSync(idxBytes),
        console: { log: () => {} },
      };
      const shown = await runExample(example, scope);
      if (shown) expectShown(shown.actual, shown.expected);
    },
  );
});

/** The functions that take a path, taking it from `folder`. */
function atHome(folder: string): Record<string, unknown> {
  const at = (path: string) => join(folder, path);
  return {
    writeFile: (path: string, text: string) => writeFile(at(path), text),
    writeFileAtomic: (path: string, chunks: Uint8Array[]) =>
      formats.writeFileAtomic(at(path), chunks),
    loadFolder: (path: string, options: data.FolderOptions) => data.loadFolder(at(path), options),
    readPth: (path: string) => formats.readPth(at(path)),
    readTensors: (path: string) => formats.readTensors(at(path)),
    readSafetensors: (path: string) => formats.readSafetensors(at(path)),
    writeSafetensors: (path: string, entries: [string, formats.SafetensorsSource][]) =>
      formats.writeSafetensors(at(path), entries),
    writeOnnx: (path: string, net: fovea.nn.Network, image: number[]) =>
      formats.writeOnnx(at(path), net, image),
    saveWeights: (net: fovea.nn.Module, path: string) => train.saveWeights(net, at(path)),
    loadWeights: (net: fovea.nn.Module, path: string, options?: train.LoadWeightsOptions) =>
      train.loadWeights(net, at(path), options),
    load: () => loadAtHome(folder),
    readMetrics: () => look.readMetrics(at("run")),
    writeReport: (_: string, __: fovea.nn.Network, test: data.DataLoader) =>
      look.writeReport(at("run"), fovea.lenet(), test),
    readCheckpoint: (path: string) => train.readCheckpoint(at(path)),
    writeCheckpoint: (path: string, state: train.TrainingState) =>
      train.writeCheckpoint(at(path), state),
    readRunConfig: () => train.readRunConfig(at("run")),
    TensorBoardWriter: { open: (path: string) => train.TensorBoardWriter.open(at(path)) },
    RunFolder: {
      create: (path: string, config: object) => train.RunFolder.create(at(path), config),
      resume: (path: string, config: object) => train.RunFolder.resume(at(path), config),
    },
  };
}

/** The classifier of the run in `folder`, whose pictures are there too. */
async function loadAtHome(folder: string): Promise<object> {
  const model = await look.load(join(folder, "run"), { workers: 0 });
  const at = (path: string) => join(folder, path);
  return {
    predict: (path: string) => model.predict(at(path)),
    predictMany: (paths: string[], options: object) => model.predictMany(paths.map(at), options),
    logits: (paths: string[]) => model.logits(paths.map(at)),
    features: (path: string, layer: string) => model.features(at(path), layer),
    pixels: (path: string) => model.pixels(at(path)),
  };
}
