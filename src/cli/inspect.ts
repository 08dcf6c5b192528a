// fovea inspect: pictures of what a run's network has learnt, and its report again. The pictures are
// src/look's; which are asked for, and where they go, is here.

import { basename, join } from "node:path";
import { Command } from "commander";
import { closest, distance } from "fastest-levenshtein";
import type { DataLoader } from "../data/index.js";
import { writeFileAtomic } from "../formats/files.js";
import { drawConfusion } from "../look/charts/confusion.js";
import { type Classifier, load } from "../look/index.js";
import { readMetrics } from "../look/metrics.js";
import { grouped } from "../look/numbers.js";
import type { Picture } from "../look/pictures.js";
import { drawReport } from "../look/report/report.js";
import { batchesOf, runTitle } from "../look/report/settings.js";
import type { Tested } from "../look/report/testing.js";
import { drawAnswers, mistakenAnswers, pictureAt } from "../look/sheets/answers.js";
import { drawFeatures } from "../look/sheets/features.js";
import { drawFilters, filtersInWords, firstConvolution } from "../look/sheets/filters.js";
import { makeFolder } from "../train/make-folder.js";
import { picturesFolder, runFiles } from "../train/run-folder.js";
import { defaultThreads, useBackend } from "./backend.js";
import { UsageError } from "./errors.js";
import { datasetName, threadsOption, wholeNumber } from "./options.js";
import { print } from "./print.js";
import { measured, openTestImages, type TestImages } from "./test-images.js";
import { table } from "./text.js";

interface Options extends TestImages {
  readonly layer?: readonly string[];
  readonly image?: string;
  readonly index: number;
  readonly out?: string;
  readonly threads?: number;
}

/** Mistakes on the sheet. */
const mostMistakes = 40;

export function inspectCommand(): Command {
  const whole = wholeNumber();
  return new Command("inspect")
    .description("draw what the network of a run has learnt: filters, feature maps, mistakes")
    .argument("<run>", "folder that fovea train wrote with --out")
    .option("--layer <name...>", "whose feature maps (default: the first convolution's)")
    .option("--image <file>", "PNG or JPEG file for the feature maps (default: a test image)")
    .option("--index <n>", "test image for the feature maps, from 0 on", whole, 0)
    .option("--out <dir>", "folder for the pictures (default: inspect in the run's)")
    .option("--data <name>", "data set, or folder:PATH (default: the run's)", datasetName)
    .option("--data-dir <dir>", "folder with the data set's files (default: the run's)")
    .option("--limit-test <n>", "only n test images; 0: none (default: as the run)", whole)
    .addOption(threadsOption())
    .addHelpText(
      "after",
      "\nLayers have the names that fovea summary prints.\nreport.html is written again, too: into the run's folder, or --out.",
    )
    .action(inspect);
}

async function inspect(run: string, options: Options): Promise<void> {
  const backend = await useBackend("native", options.threads ?? defaultThreads("native"));
  try {
    const model = await load(run, { workers: 0 }); // nobody else waits for this thread
    const layers = layersFor(model, options.layer);
    const metrics = await readMetrics(run, batchesOf(model.config));
    const test = options.limitTest === 0 ? undefined : await openTestImages(model.config, options);
    const picture = pictureFor(test, options);
    const folder = options.out ?? join(run, picturesFolder);
    makeFolder(folder);
    const rows: string[][] = [];
    const write = async (path: string, content: string, what: string) => {
      await writeFileAtomic(path, [Buffer.from(content)]);
      rows.push([path, what]);
    };
    const title = runTitle(model.config);

    if (firstConvolution(model.network)) {
      const subtitle = filtersInWords(model.network);
      const svg = await drawFilters(model.network, { title, subtitle });
      await write(join(folder, "filters.svg"), svg, subtitle.split(",")[0]!);
    }
    if (picture !== undefined) {
      const shown = options.image ? basename(options.image) : `test image ${options.index}`;
      for (const layer of layers) {
        const svg = await drawFeatures(model, picture, layer, { title: `${title}: ${shown}` });
        const what = `what ${layer} makes of ${shown}`;
        await write(join(folder, `features-${layer}.svg`), svg, what);
      }
    }
    const tested = test && (await testedOn(model, test));
    if (tested) await writeTested(model, tested, title, folder, write);
    const report = await drawReport({ model, metrics, tested });
    await write(join(options.out ?? run, runFiles.report), report, "the whole run on one page");
    print(table(["file", "what"], rows, new Set()).join("\n"));
    await model.close();
  } finally {
    await backend.close();
  }
}

async function testedOn(model: Classifier, test: DataLoader): Promise<Tested> {
  const evaluation = await measured(model, test, "mistakes and confusion", mostMistakes);
  return { evaluation, dataset: test.dataset, available: test.count };
}

async function writeTested(
  model: Classifier,
  { evaluation, dataset }: Tested,
  title: string,
  folder: string,
  write: (path: string, content: string, what: string) => Promise<void>,
): Promise<void> {
  const { mistakes, confusion, accuracy, count } = evaluation;
  const images = `${grouped(count)} test images`;
  if (mistakes.length > 0) {
    const what = `${mistakesInWords(mistakes.length)} of ${images}`;
    const svg = await drawAnswers(await mistakenAnswers(model, dataset, mistakes), {
      label: what,
      title,
      subtitle: `${what}, each with what it is, what it is taken for, and how surely`,
    });
    await write(join(folder, "mistakes.svg"), svg, what);
  }
  const subtitle = `${images}, accuracy ${accuracy.toFixed(4)}`;
  const svg = await drawConfusion(confusion, dataset.classNames, { title, subtitle });
  await write(join(folder, "confusion.svg"), svg, `what is taken for what, of ${images}`);
}

function mistakesInWords(shown: number): string {
  if (shown === mostMistakes) return `the ${shown} worst mistakes`;
  return shown === 1 ? "the one mistake" : `all ${shown} mistakes`;
}

/** The layers to draw: those that were named, or the first convolution. */
function layersFor(model: Classifier, named: readonly string[] | undefined): readonly string[] {
  const { layers } = model;
  if (named === undefined) {
    const first = firstConvolution(model.network)?.name ?? layers[0];
    return first === undefined ? [] : [first];
  }
  for (const name of named) {
    if (layers.includes(name)) continue;
    const nearest = closest(name, layers);
    // Further off than half of its letters, it is another word.
    const meant = distance(name, nearest) <= Math.max(1, nearest.length / 2);
    const some = layers.slice(0, 8).join(", ") + (layers.length > 8 ? ", …" : "");
    const hint = meant ? `did you mean "${nearest}"?` : `there are ${some}`;
    throw new UsageError(`--layer ${name}: the network has no layer of this name; ${hint}`);
  }
  return named;
}

/** The picture whose feature maps are drawn, if there is one. */
function pictureFor(test: DataLoader | undefined, { image, index }: Options): Picture | undefined {
  if (image !== undefined) return image;
  if (!test) return undefined;
  if (index < test.count) return pictureAt(test.dataset, index);
  throw new UsageError(
    `--index ${index}: there are ${grouped(test.count)} test images, 0 to ${test.count - 1}`,
  );
}
