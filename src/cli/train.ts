// fovea train: a network from the registry, on a data set, into a run folder. The training itself is
// src/train's; here options become settings, and results become files and lines.

import { Command, Option } from "commander";
import { DataLoader, type DatasetSplits, loadFashionMnist } from "../data/index.js";
import { FoveaError, ShapeError } from "../errors.js";
import { models } from "../models/index.js";
import { Dropout, init, type Module, summarize } from "../nn/index.js";
import { SGD } from "../optim/index.js";
import { manualSeed } from "../runtime.js";
import { fit } from "../train/fit.js";
import type { History } from "../train/history.js";
import { checkRunFolder, RunFolder } from "../train/run-folder.js";
import { loadWeights, readWeights } from "../train/weights.js";
import { type BackendName, backendNames, defaultThreads, useBackend } from "./backend.js";
import { InterruptedError, UsageError } from "./errors.js";
import { findModel } from "./model.js";
import { decimal, wholeNumber } from "./options.js";
import { printClosing, showProgress } from "./progress.js";
import { dimensions, grouped } from "./text.js";
import { packageVersion } from "./version.js";

interface Options {
  readonly data: "fashion-mnist";
  readonly dataDir?: string;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly lr?: number;
  readonly optimizer: "sgd";
  readonly momentum: number;
  readonly weightDecay: number;
  readonly seed: number;
  readonly threads?: number;
  readonly resize?: number;
  readonly dropout?: number;
  readonly init?: string;
  readonly shuffle: boolean;
  readonly limitTrain?: number;
  readonly limitTest?: number;
  readonly maxSteps?: number;
  readonly backend: BackendName;
  readonly out?: string;
  readonly force?: boolean;
}

export function trainCommand(): Command {
  const positive = wholeNumber({ least: 1 });
  return new Command("train")
    .description("train a network; what is not given is as in the network's document")
    .argument("<model>", "such as alexnet")
    .addOption(
      new Option("--data <name>", "data set").choices(["fashion-mnist"]).default("fashion-mnist"),
    )
    .option("--data-dir <dir>", "folder with the data set's files (default: found or downloaded)")
    .option("--epochs <n>", "passes over the training images", positive)
    .option("--batch-size <n>", "images a step", positive)
    .option("--lr <x>", "learning rate", decimal())
    .addOption(new Option("--optimizer <name>", "optimizer").choices(["sgd"]).default("sgd"))
    .option("--momentum <x>", "momentum of sgd", decimal(), 0)
    .option("--weight-decay <x>", "weight decay of sgd", decimal(), 0)
    .option(
      "--seed <n>",
      "seed of weights, order and dropout",
      wholeNumber({ most: 2 ** 32 - 1 }),
      0,
    )
    .option(
      "--threads <n>",
      "threads (default: physical cores)",
      wholeNumber({ least: 1, most: 1024 }),
    )
    .option("--resize <n>", "side to resize images to", positive)
    .option("--dropout <p>", "probability of the dropout layers", decimal({ most: 1 }))
    .option("--init <how>", "default, xavier, or a .safetensors file")
    .option("--no-shuffle", "take the images in their order")
    .option("--limit-train <n>", "only the first n training images", positive)
    .option("--limit-test <n>", "only the first n test images; 0: no testing", wholeNumber())
    .option("--max-steps <n>", "end after n steps in all", positive)
    .addOption(
      new Option("--backend <name>", "what computes").choices([...backendNames]).default("native"),
    )
    .option("--out <dir>", "folder for config, metrics, weights and curves (default: none)")
    .option("--force", "replace the run in --out")
    .addHelpText("after", modelDefaults())
    .action(train);
}

function modelDefaults(): string {
  const rows = Object.entries(models).map(([name, { training: t, input }]) => {
    const resize = input[1] === 28 ? "" : `, resize ${input[1]}`;
    return `  ${name}: batch size ${t.batchSize}${resize}, lr ${t.lr}, ${t.epochs} epochs, ${t.init} weights`;
  });
  return `\nThe documents' settings:\n${rows.join("\n")}`;
}

async function train(model: string, options: Options): Promise<void> {
  const settings = resolve(model, options);
  const { out, force, seed } = settings;
  if (out !== null) await checkRunFolder(out, force);
  const data = await loadFashionMnist({
    ...(settings.dataDir !== null && { dataDir: settings.dataDir }),
    onProgress: note,
  });
  if (data.train.notice) note(data.train.notice);
  const { trainLoader, testLoader } = loaders(data, settings);

  const backend = await useBackend(settings.backend, settings.threads);
  try {
    manualSeed(seed);
    const net = build(model, settings, trainLoader.imageShape);
    await initialize(net, settings.init);
    const { lr, momentum, weightDecay, epochs, maxSteps } = settings;
    const optimizer = new SGD(net.parameters(), { lr, momentum, weightDecay });
    note(
      `${model}: ${dimensions(trainLoader.imageShape)}, ${grouped(trainLoader.count)} training and ` +
        `${grouped(testLoader?.count ?? 0)} test images from ${data.train.source}; ${backend.description}`,
    );
    const config = {
      ...settings,
      model,
      dataSource: data.train.source,
      imageShape: trainLoader.imageShape,
      trainExamples: trainLoader.count,
      testExamples: testLoader?.count ?? 0,
      backendDescription: backend.description,
      versions: { fovea: packageVersion, node: process.versions.node },
      startedAt: new Date().toISOString(),
    };
    const folder = out === null ? undefined : await RunFolder.create(out, config, force);
    const progress = showProgress(epochs);
    const interrupt = onInterrupt();
    try {
      const history = await fit(net, {
        train: trainLoader,
        ...(testLoader && { test: testLoader }),
        optimizer,
        epochs,
        ...(maxSteps !== null && { maxSteps }),
        signal: interrupt.signal,
        onStep: (step) => {
          folder?.step(step);
          progress.step(step);
        },
        onEpoch: (epoch) => {
          folder?.epoch(epoch);
          progress.epoch(epoch);
        },
      });
      progress.stop();
      if (folder) {
        // Loaded here, because the chart library takes longer to load than all else together.
        const { drawCurves } = await import("../train/curves.js");
        const curves = drawCurves(history, caption(model, settings, trainLoader.count, history));
        await folder.finish({ weights: await readWeights(net), curves });
        note(`wrote ${folder.path}: config, metrics, weights, curves`);
      }
      printClosing(history);
    } finally {
      progress.stop();
      interrupt.release();
      await folder?.abandon();
    }
  } finally {
    await backend.close();
  }
}

type Settings = ReturnType<typeof resolve>;

/** Everything that decides the outcome, with the model's own settings where none are given. */
function resolve(model: string, options: Options) {
  const { input, training } = findModel(model);
  const { batchSize, lr, epochs, init } = { ...training, ...options };
  return {
    data: options.data,
    dataDir: options.dataDir ?? null,
    epochs,
    batchSize,
    lr,
    optimizer: options.optimizer,
    momentum: options.momentum,
    weightDecay: options.weightDecay,
    seed: options.seed,
    threads: options.threads ?? defaultThreads(options.backend),
    resize: options.resize ?? input[1],
    dropout: options.dropout ?? null,
    init,
    shuffle: options.shuffle,
    limitTrain: options.limitTrain ?? null,
    limitTest: options.limitTest ?? null,
    maxSteps: options.maxSteps ?? null,
    backend: options.backend,
    out: options.out ?? null,
    force: options.force ?? false,
  };
}

function loaders(data: DatasetSplits, settings: Settings) {
  const { batchSize, resize, seed, shuffle, limitTrain, limitTest } = settings;
  const trainLoader = new DataLoader(data.train, {
    batchSize,
    resize,
    seed,
    shuffle,
    ...(limitTrain !== null && { limit: limitTrain }),
  });
  if (limitTest === 0) return { trainLoader };
  const testLoader = new DataLoader(data.test, {
    batchSize,
    resize,
    ...(limitTest !== null && { limit: limitTest }),
  });
  return { trainLoader, testLoader };
}

/** The network, once it is sure that it takes such images. */
function build(model: string, { dropout }: Settings, imageShape: readonly number[]): Module {
  const [inChannels] = imageShape;
  const net = findModel(model).build({
    inChannels: inChannels!,
    ...(dropout !== null && { dropout }),
  });
  if (dropout && ![...net.modules()].some((module) => module instanceof Dropout)) {
    throw new UsageError(`--dropout ${dropout}: ${model} has no dropout layers`);
  }
  try {
    summarize(net, [1, ...imageShape]);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new FoveaError(
      `${model} does not take images of ${dimensions(imageShape)}: ${error.message}`,
    );
  }
  return net;
}

async function initialize(net: Module, choice: string): Promise<void> {
  if (choice === "xavier") init.initXavier(net);
  else if (choice !== "default") await loadWeights(net, choice);
}

function caption(model: string, settings: Settings, images: number, history: History) {
  const { batchSize, lr, momentum } = settings;
  const facts = [
    `${grouped(images)} images`,
    `batch ${batchSize}`,
    `lr ${lr}`,
    ...(momentum ? [`momentum ${momentum}`] : []),
    `${history.examplesPerSecond.toFixed(1)} examples/sec on cpu`,
  ];
  return { title: `${model} on Fashion-MNIST`, subtitle: facts.join(", ") };
}

/** The first Ctrl-C ends the training between two steps, the second ends the process. */
function onInterrupt() {
  const controller = new AbortController();
  const stop = () => controller.abort(new InterruptedError("interrupted: no weights were written"));
  process.once("SIGINT", stop);
  return { signal: controller.signal, release: () => process.off("SIGINT", stop) };
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
