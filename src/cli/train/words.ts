// A training in words: what is about to happen, and what its figures do not say by themselves.

import { join } from "node:path";
import { grouped } from "../../look/numbers.js";
import { shellLine } from "../../look/report/command.js";
import { runTitle } from "../../look/report/settings.js";
import type { Recipe } from "../../models/index.js";
import type { EpochRecord, History } from "../../train/history.js";
import { type RunFolder, runFiles } from "../../train/run-folder.js";
import type { Progress } from "../../train/training.js";
import { dimensions } from "../text.js";
import type { ImageFacts } from "./images.js";
import type { Settings } from "./settings.js";

/** How many images, where they are from, and what computes. */
export function imagesInWords(facts: ImageFacts, computedBy: string): string {
  const { dataSource, imageShape, trainExamples, valExamples, testExamples } = facts;
  const parts = [
    `${grouped(trainExamples)} training`,
    ...(valExamples > 0 ? [`${grouped(valExamples)} validation`] : []),
    `${grouped(testExamples)} test images`,
  ];
  const list = `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
  return `${dimensions(imageShape)}, ${list} from ${dataSource}; ${computedBy}`;
}

type RecipeFacts = Pick<Recipe, Exclude<keyof Recipe, "init">> & { readonly init: string };

/** What a network's document decides. */
export function recipeInWords(recipe: RecipeFacts): string {
  const { optimizer, lr, momentum, weightDecay, batchSize, epochs, init } = recipe;
  const facts = [
    `${optimizer}, lr ${lr}`,
    ...(momentum ? [`momentum ${momentum}`] : []),
    ...(weightDecay ? [`weight decay ${weightDecay}`] : []),
    `batch ${batchSize}`,
    `${epochs} ${epochs === 1 ? "epoch" : "epochs"}`,
    ...(init === "default" ? [] : [init === "xavier" ? "xavier weights" : `weights of ${init}`]),
  ];
  return facts.join(", ");
}

/** What decides, on one line: also what came from the network's document. */
export function settingsInWords(settings: Settings): string {
  const { augment, normalize, schedule, warmup, dropout, labelSmoothing, clipGradNorm } = settings;
  const facts = [
    recipeInWords(settings),
    ...(augment === "none" ? [] : [`${augment} augmentation`]),
    ...(normalize === "none" ? [] : [`${normalize} normalization`]),
    ...(dropout === null ? [] : [`dropout ${dropout}`]),
    ...(labelSmoothing > 0 ? [`label smoothing ${labelSmoothing}`] : []),
    ...(clipGradNorm === null ? [] : [`gradients clipped at ${clipGradNorm}`]),
    ...(schedule === "none" ? [] : [`${schedule} schedule`]),
    ...(warmup > 0 ? [`warm-up of ${warmup}`] : []),
    `seed ${settings.seed}`,
  ];
  return facts.join(", ");
}

/** What is written over the learning curve. */
export function caption(
  settings: Settings,
  { trainExamples }: ImageFacts,
  { examplesPerSecond }: History,
) {
  const { batchSize, lr, momentum } = settings;
  const facts = [
    `${grouped(trainExamples)} images`,
    `batch ${batchSize}`,
    `lr ${lr}`,
    ...(momentum > 0 ? [`momentum ${momentum}`] : []),
    `${examplesPerSecond.toFixed(1)} examples/sec on cpu`,
  ];
  return { title: runTitle(settings), subtitle: facts.join(", ") };
}

/** Says that there are fewer cores than threads. */
export function threadsInWords({ threads, backend }: Settings, cores: number): string[] {
  if (backend !== "native" || threads <= cores) return [];
  const what = cores === 1 ? "1 core" : `${cores} cores`;
  return [`--threads ${threads}: this machine has ${what}; more threads than these slow it down`];
}

/** A wait is worth a word from this share of the time on, and from so many seconds. */
const noticeable = { share: 0.05, seconds: 30 };

/** What the closing lines do not say. */
export function outcomeInWords(history: History, { earlyStop, out }: Settings): string[] {
  const { best, epochs, stoppedEarly } = history;
  const lines: string[] = [];
  if (stoppedEarly) {
    const epochs = earlyStop === 1 ? "1 epoch" : `${earlyStop} epochs`;
    lines.push(`ended early: no better epoch on the validation images in ${epochs}`);
  }
  if (best) {
    const test = best.testAcc === null ? "" : `, test acc ${best.testAcc.toFixed(3)}`;
    const where = out === null ? "" : `; ${join(out, runFiles.weights)} has its weights`;
    const val = `val acc ${best.valAcc!.toFixed(3)}${tieInWords(best, epochs)}`;
    lines.push(`best epoch: ${best.epoch}, ${val}${test}${where}`);
  }
  const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const waited = epochs.reduce((sum, epoch) => sum + epoch.waited * epoch.seconds, 0);
  if (waited > noticeable.seconds && waited > noticeable.share * seconds) {
    const share = `${Math.round((100 * waited) / seconds)}%`;
    lines.push(`${share} of the time went by in waiting for images; more --workers may help`);
  }
  return lines;
}

/** What decided between epochs that are as accurate as the best. */
function tieInWords({ valAcc, valLoss }: EpochRecord, epochs: readonly EpochRecord[]): string {
  const equal = epochs.filter((epoch) => epoch.valAcc === valAcc).length;
  if (equal < 2) return "";
  return ` (${equal} epochs have it; of these the least val loss, ${valLoss!.toFixed(3)})`;
}

/** What went wrong where numbers are none any more: "the loss after epoch 1 is NaN". */
export function divergenceInWords(problem: string, { lr }: Settings): string {
  return (
    `training diverged: ${problem}; ` +
    `try a smaller --lr than ${lr}, --warmup 1 or --clip-grad-norm 1`
  );
}

type Kept = Pick<RunFolder, "path" | "kept" | "checkpointed">;

/** What there is of the weights of a training that ended before its time. */
export function keptInWords(folder: Pick<Kept, "path" | "kept"> | undefined): string {
  if (folder?.kept === undefined) return "no weights were written";
  const which = folder.kept === "best" ? "best epoch so far" : "last whole epoch";
  return `the weights of the ${which} are in ${join(folder.path, runFiles.weights)}`;
}

const goesOnInWords = ({ path, checkpointed }: Kept) =>
  `${shellLine(["fovea", "train", "--resume", path])} goes on after step ${checkpointed}`;

/** What made a training fail that was no fault of its own, and how it goes on when that is mended. */
export function failedInWords(problem: string, folder: Kept | undefined): string {
  return folder?.checkpointed === undefined ? problem : `${problem}; ${goesOnInWords(folder)}`;
}

/** What there is of a training that the user ended, and where to go from it. */
export function interruptedInWords(folder: Kept | undefined): string {
  if (folder?.checkpointed === undefined) return `interrupted; ${keptInWords(folder)}`;
  const { path, kept } = folder;
  const first = `interrupted; ${goesOnInWords(folder)}`;
  if (kept === undefined) return first;
  return `${first}\n${keptInWords(folder)}; ${shellLine(["fovea", "inspect", path])} shows them`;
}

/** What there is of a training that stopped at a step, and how it goes on without such steps. */
export function stoppedInWords(folder: Kept | undefined, { onNan }: Settings): string {
  const kept = keptInWords(folder);
  if (folder?.checkpointed === undefined || onNan === "skip") return kept;
  const resume = shellLine(["fovea", "train", "--resume", folder.path, "--on-nan", "skip"]);
  return `${kept}; ${resume} goes on after step ${folder.checkpointed} and leaves such steps out`;
}

/** Where a run goes on. */
export function resumedInWords(
  { steps, epochs, best, batch }: Progress,
  { earlyStop, maxSteps, ...settings }: Settings,
): string {
  if (epochs.length >= settings.epochs) {
    return `all ${settings.epochs} epochs of this run are done; give --epochs for more`;
  }
  if (maxSteps !== null && steps.length >= maxSteps) {
    return `all ${maxSteps} steps of this run are done; give --max-steps for more`;
  }
  if (batch === 0 && earlyStop !== null && best.since >= earlyStop) {
    return `this run has ended early, after epoch ${epochs.length}: no later one was better`;
  }
  return `going on after step ${steps.length}, in epoch ${epochs.length + 1} of ${settings.epochs}`;
}

/** A config.json, of which what computes and by which version may be anything. */
type Machine = Readonly<Record<string, unknown>>;

/** Says that a run goes on with other kernels than it was begun with. */
export function otherMachineInWords(begun: Machine, now: Machine): string[] {
  /** "native avx512", and not the number of threads, which changes nothing. */
  const kernels = ({ computedBy, versions }: Machine) => {
    const { fovea } = Object(versions);
    return `${String(computedBy).split(",", 1)[0]} of fovea ${fovea}`;
  };
  const [before, after] = [kernels(begun), kernels(now)];
  if (before === after) return [];
  return [
    `this run was begun with ${before}, and goes on with ${after}: the last digits of its results ` +
      "may be others than without the change",
  ];
}

/** How many steps of an epoch changed nothing. */
export function skippedInWords(skipped: number): string[] {
  if (skipped === 0) return [];
  const steps = skipped === 1 ? "1 step was" : `${skipped} steps were`;
  return [`${steps} left out: loss or gradients were not finite`];
}

/** Where to go from a run that is done. */
export function nextInWords(folder: string): string {
  const command = shellLine(["fovea", "eval", folder]);
  return `next: open ${join(folder, runFiles.report)}, or measure more with ${command}`;
}
