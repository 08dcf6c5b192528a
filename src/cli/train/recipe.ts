// Optimizer, schedule and the other options of `fit` that settings stand for.

import type { Network } from "../../nn/index.js";
import {
  Adam,
  AdamW,
  CosineAnnealingLR,
  type Optimizer,
  ReduceLROnPlateau,
  SGD,
  StepLR,
} from "../../optim/index.js";
import type { FitOptions } from "../../train/fit-options.js";
import type { EpochSchedule } from "../../train/learning-rate.js";
import type { optimizerSettings, Settings } from "./settings.js";

type RecipeOptions = Omit<FitOptions, "train" | "val" | "test">;

export function recipeOf(net: Network, settings: Settings): RecipeOptions {
  const { epochs, warmup, labelSmoothing, clipGradNorm, earlyStop, maxSteps, onNan } = settings;
  const optimizer = optimizerOf(net, settings);
  const schedule = scheduleOf(optimizer, settings);
  return {
    optimizer,
    epochs,
    warmup,
    labelSmoothing,
    onNonFinite: onNan,
    ...(schedule && { schedule }),
    ...(clipGradNorm !== null && { clipGradNorm }),
    ...(earlyStop !== null && { earlyStopping: { patience: earlyStop } }),
    ...(maxSteps !== null && { maxSteps }),
  };
}

export function optimizerOf(
  net: Network,
  settings: ReturnType<typeof optimizerSettings>,
): Optimizer {
  const { optimizer, lr, momentum, nesterov, weightDecay } = settings;
  const parameters = net.parameters();
  switch (optimizer) {
    case "sgd":
      return new SGD(parameters, { lr, momentum, nesterov, weightDecay });
    case "adam":
      return new Adam(parameters, { lr, weightDecay });
    case "adamw":
      return new AdamW(parameters, { lr, weightDecay });
  }
}

function scheduleOf(optimizer: Optimizer, settings: Settings): EpochSchedule | undefined {
  const { schedule, epochs, warmup, stepSize, gamma, patience } = settings;
  switch (schedule) {
    case "none":
      return undefined;
    case "step":
      return new StepLR(optimizer, { stepSize: stepSize!, gamma: gamma! });
    case "cosine":
      // Down to 0 by the end of the last epoch, from where the warm-up has ended.
      return new CosineAnnealingLR(optimizer, { tMax: Math.max(1, Math.ceil(epochs - warmup)) });
    case "plateau":
      return new ReduceLROnPlateau(optimizer, { patience: patience!, factor: gamma! });
  }
}
