// A training as the command line asks for it: data, network, run folder, progress. The loop is
// src/train's, the settings are settings.ts's.

import { physicalCores } from "../../backends/native/machine.js";
import { type AnyDataset, type DataLoader, openDataset } from "../../data/index.js";
import { ArgumentError, DataError, FoveaError } from "../../errors.js";
import { drawCurves } from "../../look/charts/curves.js";
import { writeReport } from "../../look/report/write.js";
import type { Network } from "../../nn/index.js";
import { manualSeed } from "../../runtime.js";
import type { RunConfig } from "../../train/config.js";
import { fit } from "../../train/fit.js";
import type { PartLabels } from "../../train/guessing.js";
import type { History } from "../../train/history.js";
import { listImages } from "../../train/image-list.js";
import { NonFiniteError } from "../../train/non-finite.js";
import { checkRunFolder, RunFolder, runFiles } from "../../train/run-folder.js";
import type { TrainingState } from "../../train/training.js";
import { readWeights, type Weights } from "../../train/values.js";
import { useBackend } from "../backend.js";
import { countImages } from "../counter.js";
import { UsageError } from "../errors.js";
import { note } from "../print.js";
import { packageVersion } from "../version.js";
import { batchInWords, learntInWords, stuckInWords, validationInWords } from "./advice.js";
import { type ImageFacts, imageFacts, type Loaders, makeLoaders } from "./images.js";
import { checkInit } from "./init.js";
import { Interrupt } from "./interrupt.js";
import { buildNetwork, type NetworkFacts, startNetwork } from "./network.js";
import { printClosing, showProgress } from "./progress.js";
import { recipeOf } from "./recipe.js";
import type { Settings } from "./settings.js";
import {
  caption,
  divergenceInWords,
  failedInWords,
  imagesInWords,
  interruptedInWords,
  keptInWords,
  nextInWords,
  otherMachineInWords,
  outcomeInWords,
  resumedInWords,
  settingsInWords,
  skippedInWords,
  stoppedInWords,
  threadsInWords,
} from "./words.js";

/**
 * Trains, prints, and writes what was asked for. Finds mistakes before anything is written.
 *
 * @param begun The config of the run in the folder of the settings, if that is to go on.
 */
export async function runTraining(settings: Settings, begun?: RunConfig): Promise<void> {
  let folder: RunFolder | undefined;
  const interrupt = new Interrupt(() => interruptedInWords(folder));
  try {
    const { out, force, init, seed } = settings;
    if (!begun) {
      if (out !== null) await checkRunFolder(out, force);
      checkInit(init);
    }
    const { train, transforms, images, ...loaders } = await openImages(settings);
    const backend = await useBackend(settings.backend, settings.threads, settings);
    try {
      manualSeed(seed);
      const network = networkFacts(train.dataset, settings);
      const net = buildNetwork(settings, network);
      // The weights of a run that goes on are in its checkpoint.
      await startNetwork(net, begun ? { ...settings, init: "default" } : settings, note);
      const facts = imageFacts(train.dataset, { train, ...loaders });
      const computedBy = backend.description;
      introduce(settings, facts, computedBy);
      const { classNames } = train.dataset;
      const config = {
        ...settings,
        ...{ network, classNames, transforms, ...facts, computedBy },
        versions: { fovea: packageVersion, node: process.versions.node },
        startedAt: begun?.startedAt ?? new Date().toISOString(),
      };
      let state: TrainingState | undefined;
      if (out !== null && begun) {
        otherMachineInWords(begun, config).forEach(note);
        ({ folder, state } = await RunFolder.resume(out, config, { images, warn: note }));
        note(resumedInWords(state.progress, settings));
      } else if (out !== null) folder = await RunFolder.create(out, config, force, { images });
      try {
        const run = { settings, folder, state, interrupt };
        const history = await trainNetwork(net, { train, ...loaders }, run);
        printClosing(history);
        outcomeInWords(history, settings).forEach(note);
        learntInWords(history, settings, labelsOf({ train, ...loaders })).forEach(note);
        if (folder) {
          const title = caption(settings, facts, history);
          await writeResults(folder, net, history, title, loaders.test);
        }
      } finally {
        await folder?.abandon();
      }
    } finally {
      await backend.close();
    }
  } finally {
    interrupt.release();
  }
}

async function openImages(settings: Settings) {
  const { dataDir, seed } = settings;
  const data = await openDataset(settings.data, {
    ...(dataDir !== null && { dataDir }),
    seed,
    onProgress: note,
  });
  for (const notice of new Set([data.train.notice, data.test.notice])) if (notice) note(notice);
  threadsInWords(settings, physicalCores()).forEach(note);
  try {
    return { ...(await makeLoaders(data, settings, note)), images: listImages(data) };
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    // Whatever else could be wrong with images and batches has been refused as an option.
    const { resize, batchSize } = settings;
    throw new UsageError(`--resize ${resize}, --batch-size ${batchSize}: ${error.problem}`);
  }
}

/** What is about to happen, and what of it is probably not meant. */
function introduce(settings: Settings, facts: ImageFacts, computedBy: string): void {
  note(`${settings.model}: ${imagesInWords(facts, computedBy)}`);
  note(settingsInWords(settings));
  batchInWords(settings, facts.trainExamples).forEach(note);
  validationInWords(facts.valExamples).forEach(note);
  if (settings.out === null) note("nothing of this training is kept; --out DIR keeps it");
}

const labelsOf = ({ train, val, test }: Loaders): PartLabels => ({
  train: train.dataset.labels,
  ...(val && { val: val.dataset.labels }),
  ...(test && { test: test.dataset.labels }),
});

function networkFacts(dataset: AnyDataset, { resize, dropout }: Settings): NetworkFacts {
  return {
    inChannels: dataset.channels,
    numClasses: dataset.classNames.length,
    inputSize: [resize, resize],
    dropout,
  };
}

interface Run {
  readonly settings: Settings;
  readonly folder: RunFolder | undefined;
  /** Where it goes on. */
  readonly state: TrainingState | undefined;
  readonly interrupt: Interrupt;
}

async function trainNetwork(
  net: Network,
  loaders: Loaders,
  { settings, folder, state, interrupt }: Run,
): Promise<History> {
  const progress = showProgress(settings.epochs);
  const diverged = (problem: string, kept: string) =>
    new FoveaError(`${divergenceInWords(problem, settings)}; ${kept}`);
  const { steps = [], epoch: underWay } = state?.progress ?? {};
  /** Steps of this epoch. */
  let skipped = steps.filter(({ epoch, skipped }) => skipped && epoch === underWay).length;
  /** Of the last epoch, until the next one begins to change them. */
  let weights: Weights | undefined;
  const train = (signal: AbortSignal) =>
    fit(net, {
      ...loaders,
      ...recipeOf(net, settings),
      ...(folder && { checkpoint: { ...cadence(settings), save: saveTo(folder, settings) } }),
      ...(state && { resume: state }),
      signal,
      onStep: (step) => {
        weights = undefined;
        folder?.step(step);
        progress.step(step);
        if (step.skipped) skipped++;
      },
      onEpoch: async (epoch) => {
        progress.epoch(epoch);
        folder?.epoch(epoch);
        skippedInWords(skipped).forEach(note);
        skipped = 0;
        stuckInWords(epoch, settings, labelsOf(loaders)).forEach(note);
        // What follows a loss without a number are weights that are none, and stay so.
        const lost = [epoch.valLoss, epoch.testLoss].find((loss) => !Number.isFinite(loss ?? 0));
        if (typeof lost === "number") {
          throw diverged(`the loss after epoch ${epoch.epoch} is ${lost}`, keptInWords(folder));
        }
        if (!folder) return;
        weights = await readWeights(net);
        folder.histograms(weights);
        if (!loaders.val) await folder.keep(weights, "last");
      },
      ...(folder && loaders.val && { onBest: () => folder.keep(weights!, "best") }),
    });
  try {
    return await interrupt.during(train);
  } catch (error) {
    if (error instanceof NonFiniteError)
      throw diverged(error.problem, stoppedInWords(folder, settings));
    if (error instanceof DataError)
      throw new FoveaError(failedInWords(error.message, folder), { cause: error });
    throw error;
  } finally {
    progress.stop();
  }
}

/** Where --max-steps ends an epoch, what follows is done again by a run that goes on for more. */
const saveTo =
  (folder: RunFolder, { maxSteps }: Settings) =>
  (state: TrainingState) => {
    const { batch, steps } = state.progress;
    return folder.checkpoint(state, { keepBest: batch > 0 && steps.length === maxSteps });
  };

/** When checkpoints are made within an epoch. */
function cadence({ checkpointEvery }: Settings) {
  return "steps" in checkpointEvery
    ? { everySteps: checkpointEvery.steps }
    : { everySeconds: 60 * checkpointEvery.minutes };
}

async function writeResults(
  folder: RunFolder,
  net: Network,
  history: History,
  title: { title: string; subtitle: string },
  test: DataLoader | undefined,
): Promise<void> {
  await folder.finish({
    weights: await readWeights(net),
    files: { [runFiles.curves]: await drawCurves(history, title) },
  });
  await writeReport(folder.path, net, test, countImages("report"));
  note(`wrote ${folder.path}: config, metrics, weights, curves, report`);
  note(nextInWords(folder.path));
}
