// What to say of a training that has learnt nothing, so far or at its end, and of one that is about to take
// few steps: from its settings and its figures, each hint only where it is the case. Pure.

import { grouped } from "../../look/numbers.js";
import { models, type Recipe } from "../../models/index.js";
import { type Guessing, judge, judgePart, type PartLabels } from "../../train/guessing.js";
import type { EpochRecord, History } from "../../train/history.js";
import type { Settings } from "./settings.js";

/** Fewer steps than these are few: LeNet on all of Fashion-MNIST takes 235 in each of ten epochs. */
const fewSteps = 500;

type Asked = Pick<
  Settings,
  "model" | "optimizer" | "lr" | "momentum" | "batchSize" | "init" | "maxSteps" | "earlyStop"
>;

/** Nothing, if it has learnt something; else that it has not, and what to try, a line each. */
export function learntInWords(history: History, settings: Asked, labels: PartLabels): string[] {
  const told = judge(history, labels);
  if (!told || told.learnt) return [];
  return [guessingInWords(told), ...hints(history, settings, labels).map((hint) => `  ${hint}`)];
}

/**
 * Says after the first of several epochs that its many steps have taught nothing: deep networks that start from
 * PyTorch's default weights may lose all of a layer's ReLUs in the first hundred steps, and then never learn
 * (docs/results.md), which is better known now than after hours.
 */
export function stuckInWords(
  epoch: Pick<EpochRecord, "epoch" | "trainAcc" | "valAcc" | "testAcc">,
  { epochs, batchSize, init }: Pick<Settings, "epochs" | "batchSize" | "init">,
  labels: PartLabels,
): string[] {
  const told = judgePart(epoch, "train", labels.train);
  if (epoch.epoch !== 1 || epochs === 1 || !told || told.learnt) return [];
  if (told.images / batchSize < fewSteps) return [];
  const start = init === "default" ? "another --seed, or --init xavier" : "another --seed";
  return [
    `nothing is learnt so far: train acc ${told.accuracy.toFixed(3)}, where always answering the commonest class ` +
      `gets ${told.commonest.toFixed(3)}; from some starting weights nothing ever is; to try: ${start}`,
  ];
}

function guessingInWords({ part, images, accuracy, commonest }: Guessing): string {
  const share = commonest.toFixed(3);
  const what = part === "train" ? "training" : part === "val" ? "validation" : "test";
  // Between the share and the bar, chance explains it as well.
  const better = accuracy <= commonest ? "no better" : "not clearly better";
  return (
    `${part} acc ${accuracy.toFixed(3)} is ${better} than always answering the commonest class, ` +
    `which gets ${share} of the ${grouped(images)} ${what} images; to try:`
  );
}

function hints(history: History, settings: Asked, labels: PartLabels): string[] {
  const { model, lr, batchSize, init, maxSteps, earlyStop } = settings;
  const recipe = models[model]?.training;
  const count = labels.train?.length ?? 0;
  const steps = history.steps.length;
  const epoch = history.best ?? history.epochs.at(-1)!;
  if (lr === 0) return ["a learning rate of 0 changes nothing: a higher --lr"];
  if (judgePart(epoch, "train", labels.train)?.learnt) {
    const known = `it does know its training images (train acc ${epoch.trainAcc.toFixed(3)})`;
    return [`${known}: more of them, or --augment light`];
  }
  const found: string[] = [];
  if (batchSize > count / 4) {
    const each = Math.ceil(count / batchSize);
    const often = each === 1 ? "one step" : `${each} steps`;
    found.push(
      `batch ${batchSize} of ${imagesOf(count)}: ${often} an epoch; a smaller --batch-size`,
    );
  }
  if (steps < fewSteps) {
    const more =
      maxSteps !== null && steps >= maxSteps
        ? "--max-steps"
        : history.stoppedEarly
          ? `epochs, with a larger --early-stop than ${earlyStop}`
          : "--epochs";
    found.push(`only ${steps === 1 ? "1 step was" : `${steps} steps were`} made: more ${more}`);
  }
  if (rose(history)) found.push(`the loss ended above its start: a smaller --lr than ${lr}`);
  if (recipe && !asInSource(settings, recipe)) {
    found.push(`the network's source trains it with ${recipe.optimizer}, lr ${recipe.lr}`);
  } else if (recipe && batchSize <= recipe.batchSize / 4) {
    found.push(`lr ${lr} is for batches of ${recipe.batchSize}: a smaller --lr`);
  }
  if (init === "default")
    found.push("other weights to start from: --init xavier, or another --seed");
  return found.length > 0 ? found : ["another --lr, or more --epochs"];
}

const asInSource = ({ optimizer, lr, momentum }: Asked, recipe: Recipe): boolean =>
  optimizer === recipe.optimizer && lr === recipe.lr && momentum === (recipe.momentum ?? 0);

/** Whether the mean loss of the last steps (of a tenth of all) is above that of the first. */
function rose({ steps }: History): boolean {
  const some = Math.ceil(steps.length / 10);
  if (steps.length < 2) return false;
  const mean = (part: History["steps"]) => part.reduce((sum, { loss }) => sum + loss, 0) / some;
  return mean(steps.slice(-some)) > mean(steps.slice(0, some));
}

/** Warns before a training whose every epoch is one step, as small sets have it with a document's batch. */
export function batchInWords(
  { model, batchSize, lr, optimizer }: Pick<Settings, "model" | "batchSize" | "lr" | "optimizer">,
  count: number,
): string[] {
  if (batchSize < count || count === 1) return [];
  const recipe = models[model]?.training;
  const own = batchSize === recipe?.batchSize;
  const meant =
    own && lr === recipe.lr && optimizer === recipe.optimizer
      ? `; lr ${lr} is for batches of ${batchSize}, so try a smaller --lr as well`
      : "";
  const which = own ? `batch ${batchSize}, as in the network's source,` : `batch ${batchSize}`;
  return [
    `${which} takes all ${imagesOf(count)} at once: one step an epoch; ` +
      `a smaller --batch-size, such as ${smaller(count)}, makes more steps${meant}`,
  ];
}

/** A power of 2, 1…32, that makes six steps or more of so many images, if there are as many. */
const smaller = (count: number) => 2 ** Math.min(5, Math.max(0, Math.floor(Math.log2(count / 6))));

const imagesOf = (count: number) =>
  `${grouped(count)} training ${count === 1 ? "image" : "images"}`;

/** Fewer images than these say little of which epoch is best: 1 in 100 is a hundredth of accuracy. */
const fewToChooseBy = 100;

/** Warns where few images decide which epoch is the best. */
export function validationInWords(count: number): string[] {
  if (count === 0 || count >= fewToChooseBy) return [];
  const images = count === 1 ? "is only 1 validation image" : `are only ${count} validation images`;
  return [
    `there ${images} to choose the best epoch by: each counts for ${(1 / count).toFixed(3)} of val acc`,
  ];
}
