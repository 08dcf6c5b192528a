// fovea eval: how a run's network does on labelled images: its run's test images, unless others are
// asked for. Measuring is src/look's, the images are test-images.ts's, the matrix is confusion.ts's.

import { Command } from "commander";
import type { ConvolutionMode } from "../backends/backend.js";
import { type AnyDataset, isFileDataset } from "../data/index.js";
import { type Evaluation, load } from "../look/index.js";
import { grouped } from "../look/numbers.js";
import { defaultThreads, useBackend } from "./backend.js";
import { confusionLines } from "./confusion.js";
import { convOption, datasetName, threadsOption, wholeNumber } from "./options.js";
import { print } from "./print.js";
import { imagesInWords, measured, openTestImages, type TestImages } from "./test-images.js";
import { table } from "./text.js";

interface Options extends TestImages {
  readonly threads?: number;
  readonly conv?: ConvolutionMode;
  readonly json?: boolean;
}

export function evalCommand(): Command {
  const positive = wholeNumber({ least: 1 });
  return new Command("eval")
    .description("measure the network of a run: accuracy, each class, what is taken for what")
    .argument("<run>", "folder that fovea train wrote with --out")
    .option("--data <name>", "data set, or folder:PATH (default: the run's)", datasetName)
    .option("--data-dir <dir>", "folder with the data set's files (default: the run's)")
    .option("--limit-test <n>", "only n test images (default: as the run)", positive)
    .addOption(threadsOption())
    .addOption(convOption())
    .option("--json", "print JSON, with the worst mistakes")
    .addHelpText(
      "after",
      "\nOf another folder than the run's, all pictures are measured; if it has a train and a test\nfolder, those for testing.",
    )
    .action(evaluateRun);
}

async function evaluateRun(run: string, options: Options): Promise<void> {
  const { threads = defaultThreads("native") } = options;
  const model = await load(run);
  const conv = options.conv ?? model.config.conv ?? "direct";
  const backend = await useBackend("native", threads, { conv });
  try {
    const { model: name } = model.config;
    const loader = await openTestImages(model.config, options);
    const evaluation = await measured(model, loader, "evaluation");
    const lines = options.json
      ? [JSON.stringify({ run, model: name, ...asJson(loader.dataset, evaluation) })]
      : asText(`${name}, ${imagesInWords(loader, model.config, options)}`, evaluation);
    print(lines.join("\n"));
    await model.close();
  } finally {
    await backend.close();
  }
}

function asJson(dataset: AnyDataset, { mistakes, ...evaluation }: Evaluation) {
  const { source: data, classNames } = dataset;
  const files = isFileDataset(dataset) ? dataset.files : undefined;
  const named = files
    ? mistakes.map((mistake) => ({ file: files[mistake.index], ...mistake }))
    : mistakes;
  return { data, classNames, ...evaluation, mistakes: named };
}

function asText(title: string, evaluation: Evaluation): string[] {
  const { accuracy, loss, perClass, confusion } = evaluation;
  const share = (value: number | null) => (value === null ? "–" : value.toFixed(3));
  const rows = perClass.map(({ className, support, precision, recall, f1 }) => [
    className,
    grouped(support),
    ...[precision, recall, f1].map(share),
  ]);
  return [
    title,
    `accuracy ${accuracy.toFixed(4)}, loss ${loss.toFixed(4)}`,
    "",
    ...table(["class", "images", "precision", "recall", "f1"], rows, new Set([1, 2, 3, 4])),
    "",
    ...confusionLines(
      confusion,
      perClass.map(({ className }) => className),
    ),
  ];
}
