// From the options of `fovea train` to the settings of a run: what is not given comes from the network's
// document, and what does not go together is refused. Nothing is opened or built here.

import { resolve as absolute } from "node:path";
import type { ConvolutionMode } from "../../backends/backend.js";
import type { Augmentation } from "../../data/index.js";
import type { Recipe } from "../../models/index.js";
import { type BackendName, checkKernels, defaultThreads } from "../backend.js";
import { UsageError } from "../errors.js";
import { findModel } from "../model.js";

export const scheduleNames = ["none", "step", "cosine", "plateau"] as const;
export const normalizations = ["none", "imagenet", "dataset"] as const;
export const optimizerNames = ["sgd", "adam", "adamw"] as const;
export const onNanChoices = ["stop", "skip"] as const;

/** How often a checkpoint is made within an epoch. */
export type CheckpointEvery = { readonly steps: number } | { readonly minutes: number };

/** So often that little is lost, and so seldom that it takes no time to speak of. */
const usualCheckpoints: CheckpointEvery = { minutes: 10 };

/** The options as commander gives them: what has no default here is undefined unless it is given. */
export interface Options {
  readonly data: string;
  readonly dataDir?: string;
  readonly valFraction: number;
  readonly limitTrain?: number;
  readonly limitTest?: number;
  readonly shuffle: boolean;
  readonly resize?: number;
  readonly augment: Augmentation;
  readonly normalize: (typeof normalizations)[number];
  readonly workers?: number;
  readonly init?: string;
  readonly partial?: boolean;
  readonly freeze?: readonly string[];
  readonly dropout?: number;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly optimizer?: (typeof optimizerNames)[number];
  readonly lr?: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
  readonly labelSmoothing: number;
  readonly clipGradNorm?: number;
  readonly schedule: (typeof scheduleNames)[number];
  readonly stepSize?: number;
  readonly gamma?: number;
  readonly patience?: number;
  readonly warmup: number;
  readonly earlyStop?: number;
  readonly maxSteps?: number;
  readonly onNan: (typeof onNanChoices)[number];
  readonly checkpointEvery?: CheckpointEvery;
  readonly resume?: string;
  readonly seed: number;
  readonly threads?: number;
  readonly conv: ConvolutionMode;
  readonly backend: BackendName;
  readonly out?: string;
  readonly force?: boolean;
}

/** Everything that decides the outcome of a training. */
export type Settings = ReturnType<typeof resolveSettings>;

/** PyTorch's learning rates, for an optimizer that the network's document does not use. */
const usualLr = { sgd: 0.01, adam: 0.001, adamw: 0.001 } as const;
/** PyTorch's: AdamW's own is the reason that there is one. */
const usualWeightDecay = { sgd: 0, adam: 0, adamw: 0.01 } as const;

/**
 * The options, with the network's own settings where none are given.
 *
 * @throws UsageError for options that do not go together.
 */
export function resolveSettings(model: string, options: Options) {
  const { input, training } = findModel(model);
  const { epochs = training.epochs, schedule } = options;
  checkTogether(options, epochs);
  return {
    model,
    data: absoluteData(options.data),
    dataDir: options.dataDir === undefined ? null : absolute(options.dataDir),
    valFraction: options.valFraction,
    limitTrain: options.limitTrain ?? null,
    limitTest: options.limitTest ?? null,
    shuffle: options.shuffle,
    resize: options.resize ?? input[1],
    augment: options.augment,
    normalize: options.normalize,
    workers: options.workers ?? null,
    init: options.init ?? training.init,
    partial: options.partial ?? false,
    freeze: options.freeze ?? [],
    dropout: options.dropout ?? null,
    epochs,
    batchSize: options.batchSize ?? training.batchSize,
    ...optimizerSettings(options, training),
    labelSmoothing: options.labelSmoothing,
    clipGradNorm: options.clipGradNorm ?? null,
    schedule,
    stepSize: schedule === "step" ? (options.stepSize ?? Math.ceil(epochs / 3)) : null,
    gamma: schedule === "step" || schedule === "plateau" ? (options.gamma ?? 0.1) : null,
    patience: schedule === "plateau" ? (options.patience ?? 2) : null,
    warmup: options.warmup,
    earlyStop: options.earlyStop ?? null,
    maxSteps: options.maxSteps ?? null,
    onNan: options.onNan,
    checkpointEvery: options.checkpointEvery ?? usualCheckpoints,
    seed: options.seed,
    threads: options.threads ?? defaultThreads(options.backend),
    conv: options.conv,
    backend: options.backend,
    out: options.out ?? null,
    force: options.force ?? false,
  };
}

type OptimizerOptions = Pick<Options, "optimizer" | "lr" | "momentum" | "nesterov" | "weightDecay">;

/** The optimizer of a network's document, but for what is asked for. */
export function optimizerSettings(options: OptimizerOptions, training: Recipe) {
  const { optimizer = training.optimizer, nesterov = false } = options;
  const own = optimizer === training.optimizer ? training : undefined;
  const momentum = options.momentum ?? own?.momentum ?? 0;
  if (optimizer !== "sgd") {
    const given = options.momentum === undefined ? "--nesterov" : "--momentum";
    if (options.momentum !== undefined || nesterov) {
      throw new UsageError(`${given} is for --optimizer sgd; the optimizer here is ${optimizer}`);
    }
  }
  if (nesterov && momentum === 0)
    throw new UsageError("--nesterov needs a --momentum, such as 0.9");
  return {
    optimizer,
    lr: options.lr ?? own?.lr ?? usualLr[optimizer],
    momentum,
    nesterov,
    weightDecay: options.weightDecay ?? own?.weightDecay ?? usualWeightDecay[optimizer],
  };
}

/** Refuses what would be ignored. */
function checkTogether(options: Options, epochs: number): void {
  const { schedule, init, warmup } = options;
  const onlyFor = (name: string, value: unknown, schedules: readonly string[]) => {
    if (value === undefined || schedules.includes(schedule)) return;
    const which = schedules.join(" or ");
    throw new UsageError(`${name} is for --schedule ${which}; the schedule here is ${schedule}`);
  };
  onlyFor("--step-size", options.stepSize, ["step"]);
  onlyFor("--gamma", options.gamma, ["step", "plateau"]);
  onlyFor("--patience", options.patience, ["plateau"]);
  if (warmup > epochs) {
    const there = epochs === 1 ? "is only 1 epoch" : `are only ${epochs} epochs`;
    throw new UsageError(`--warmup ${warmup}: there ${there} to train`);
  }
  if (options.data.startsWith("folder:") && options.dataDir !== undefined) {
    throw new UsageError("--data-dir is for published data sets; folder:PATH names its own folder");
  }
  checkKernels(options);
  if (options.clipGradNorm === 0) throw new UsageError("--clip-grad-norm must be more than 0");
  if (options.earlyStop !== undefined && options.valFraction === 0) {
    throw new UsageError(
      "--early-stop needs images to judge by that are not the test images: give --val-fraction, such as 0.1",
    );
  }
  if (options.checkpointEvery !== undefined && options.out === undefined) {
    throw new UsageError("--checkpoint-every needs a folder to keep checkpoints in: give --out");
  }
  if (options.partial && (init === undefined || init === "default" || init === "xavier")) {
    throw new UsageError(
      "--partial is for --init with a file or a run: it loads what fits of its weights",
    );
  }
}

/** folder:PATH with the whole path, so that a run's config means the same everywhere. */
export function absoluteData(data: string): string {
  return data.startsWith("folder:") ? `folder:${absolute(data.slice("folder:".length))}` : data;
}
