// The command line that repeats a run, from its config. A test holds that it comes to the same settings.

import { models } from "../../models/index.js";
import type { RunConfig } from "../../train/config.js";
import { settingsOf } from "./settings.js";

type Value = string | number | boolean | readonly string[] | null | undefined;

/**
 * The words of the command: what decides the outcome is named, also where it is the network's own, since
 * that might change; what is absent by default is not. Where the results go is not part of it.
 */
export function commandOf(config: RunConfig): string[] {
  const s = settingsOf(config);
  const recipe = Object.hasOwn(models, config.model) ? models[config.model]!.training : undefined;
  const unless = <T extends Value>(value: T, usual: Value) => (value === usual ? undefined : value);
  const options: readonly (readonly [flag: string, value: Value])[] = [
    ["--data", config.data],
    ["--data-dir", config.dataDir],
    ["--resize", s.resize],
    ["--augment", unless(s.augment, "none")],
    ["--normalize", unless(s.normalize, "none")],
    ["--val-fraction", unless(s.valFraction, 0)],
    ["--limit-train", s.limitTrain],
    ["--limit-test", s.limitTest],
    ["--no-shuffle", s.shuffle === false],
    ["--workers", s.workers],
    ["--init", s.init],
    ["--partial", s.partial],
    ["--freeze", s.freeze?.length ? s.freeze : undefined],
    ["--dropout", s.dropout],
    ["--epochs", s.epochs],
    ["--batch-size", config.batchSize],
    ["--optimizer", s.optimizer],
    ["--lr", s.lr],
    ["--momentum", s.optimizer === "sgd" ? unless(s.momentum, recipe?.momentum ?? 0) : undefined],
    ["--nesterov", s.nesterov],
    ["--weight-decay", unless(s.weightDecay, usualDecay(s.optimizer, recipe))],
    ["--label-smoothing", unless(s.labelSmoothing, 0)],
    ["--clip-grad-norm", s.clipGradNorm],
    ["--schedule", unless(s.schedule, "none")],
    ["--step-size", s.stepSize],
    ["--gamma", s.gamma],
    ["--patience", s.patience],
    ["--warmup", unless(s.warmup, 0)],
    ["--early-stop", s.earlyStop],
    ["--max-steps", s.maxSteps],
    ["--seed", config.seed],
    ["--threads", s.threads],
    ["--conv", unless(s.conv, "auto")],
    ["--backend", unless(s.backend, "native")],
  ];
  return ["fovea", "train", config.model, ...options.flatMap(wordsOf)];
}

/** What `fovea train` takes where none is given; undefined where that is the optimizer's own. */
function usualDecay(
  optimizer: string | undefined,
  recipe: { readonly optimizer: string; readonly weightDecay?: number } | undefined,
): number | undefined {
  if (recipe && recipe.optimizer === optimizer) return recipe.weightDecay ?? 0;
  return optimizer === "adamw" ? undefined : 0;
}

function wordsOf([flag, value]: readonly [flag: string, value: Value]): string[] {
  if (value === undefined || value === null || value === false) return [];
  if (value === true) return [flag];
  return typeof value === "object" ? [flag, ...value] : [flag, String(value)];
}

/** Words as a shell takes them. */
export const shellLine = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
