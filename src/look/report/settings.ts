// What a run was made with, as far as its config says it: the settings of `fovea train`, each of which may
// be missing from the config of a run that was made by a program.

import { z } from "zod";
import { BestEpoch } from "../../train/best.js";
import type { RunConfig } from "../../train/config.js";
import type { EpochRecord } from "../../train/history.js";

const number = z.number().optional().catch(undefined);
const text = z.string().optional().catch(undefined);
const flag = z.boolean().optional().catch(undefined);

const schema = z.object({
  valFraction: number,
  limitTrain: number,
  limitTest: number,
  shuffle: flag,
  resize: number,
  augment: text,
  normalize: text,
  workers: number,
  init: text,
  partial: flag,
  freeze: z.array(z.string()).optional().catch(undefined),
  dropout: number,
  epochs: number,
  optimizer: text,
  lr: number,
  momentum: number,
  nesterov: flag,
  weightDecay: number,
  labelSmoothing: number,
  clipGradNorm: number,
  schedule: text,
  stepSize: number,
  gamma: number,
  patience: number,
  warmup: number,
  earlyStop: number,
  maxSteps: number,
  threads: number,
  conv: text,
  backend: text,
  dataSource: text,
  imageShape: z.array(z.number()).optional().catch(undefined),
  trainExamples: number,
  valExamples: number,
  testExamples: number,
  computedBy: text,
  versions: z.record(z.string(), z.string()).optional().catch(undefined),
  startedAt: text,
});

/** Of null, and of what is not of its kind, nothing is left. */
export type RunSettings = z.infer<typeof schema>;

export const settingsOf = (config: RunConfig): RunSettings => schema.parse(config);

/** Steps of a whole epoch; undefined where the config does not say it. */
export function batchesOf(config: RunConfig): number | undefined {
  const { trainExamples } = settingsOf(config);
  return trainExamples === undefined ? undefined : Math.ceil(trainExamples / config.batchSize);
}

/** How many epochs are planned of a run that has not come to its end; undefined of any other. */
export function epochsAwaited(
  config: RunConfig,
  {
    steps,
    epochs,
  }: { readonly steps: readonly unknown[]; readonly epochs: readonly EpochRecord[] },
): number | undefined {
  const { epochs: planned, maxSteps, earlyStop } = settingsOf(config);
  if (planned === undefined || epochs.length >= planned) return undefined;
  // that steps are spent ends an epoch, whose record is written then
  const spent = maxSteps !== undefined && steps.length >= maxSteps && epochs.length > 0;
  const best = new BestEpoch();
  for (const record of epochs) best.add(record);
  const stopped = earlyStop !== undefined && best.stale(earlyStop);
  return spent || stopped ? undefined : planned;
}

const titles: Readonly<Record<string, string>> = {
  "fashion-mnist": "Fashion-MNIST",
  mnist: "MNIST",
  cifar10: "CIFAR-10",
};

/** "Fashion-MNIST", or a folder's last name. */
export function dataTitle(data: string): string {
  const folder = data.startsWith("folder:") && data.split(/[/\\:]/).filter((part) => part !== "");
  return folder ? (folder.at(-1) ?? data) : (titles[data] ?? data);
}

export const runTitle = ({ model, data }: Pick<RunConfig, "model" | "data">): string =>
  `${model} on ${dataTitle(data)}`;
