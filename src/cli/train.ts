// fovea train: its options, and the settings that they come to. training.ts does the work.

import { Command, Option } from "commander";
import { models } from "../models/index.js";
import { type BackendName, backendNames, defaultThreads } from "./backend.js";
import { findModel } from "./model.js";
import { decimal, wholeNumber } from "./options.js";
import { runTraining } from "./training.js";

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
    .action((model: string, options: Options) => runTraining(resolve(model, options)));
}

function modelDefaults(): string {
  const rows = Object.entries(models).map(([name, { training: t, input }]) => {
    const resize = input[1] === 28 ? "" : `, resize ${input[1]}`;
    return `  ${name}: batch size ${t.batchSize}${resize}, lr ${t.lr}, ${t.epochs} epochs, ${t.init} weights`;
  });
  return `\nThe documents' settings:\n${rows.join("\n")}`;
}

/** Everything that decides the outcome of a training. */
export type Settings = ReturnType<typeof resolve>;

/** The options, with the model's own settings where none are given. */
function resolve(model: string, options: Options) {
  const { input, training } = findModel(model);
  const { batchSize, lr, epochs, init } = { ...training, ...options };
  return {
    model,
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
