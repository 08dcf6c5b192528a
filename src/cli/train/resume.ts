// The settings of a run that goes on: those of its config.json, but for the few that may change. What
// else the command line asks for must be what the run has.

import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { convolutionModes } from "../../backends/backend.js";
import { augmentations } from "../../data/transforms/presets.js";
import { DataError } from "../../errors.js";
import { configFile, mayChange, type RunConfig, readRunConfig } from "../../train/config.js";
import { checkResumable } from "../../train/run-folder.js";
import { backendNames } from "../backend.js";
import { UsageError } from "../errors.js";
import {
  absoluteData,
  normalizations,
  type Options,
  onNanChoices,
  optimizerNames,
  type Settings,
  scheduleNames,
} from "./settings.js";

const count = z.int().positive();
const number = z.number().nonnegative();

/** As train/run.ts writes them into config.json. */
const schema = z.object({
  model: z.string(),
  data: z.string(),
  dataDir: z.string().nullable(),
  valFraction: number,
  limitTrain: count.nullable(),
  limitTest: z.int().nonnegative().nullable(),
  shuffle: z.boolean(),
  resize: count,
  augment: z.enum(augmentations),
  normalize: z.enum(normalizations),
  workers: z.int().nonnegative().nullable(),
  init: z.string(),
  partial: z.boolean(),
  freeze: z.array(z.string()),
  dropout: number.nullable(),
  epochs: count,
  batchSize: count,
  optimizer: z.enum(optimizerNames),
  lr: number,
  momentum: number,
  nesterov: z.boolean(),
  weightDecay: number,
  labelSmoothing: number,
  clipGradNorm: number.nullable(),
  schedule: z.enum(scheduleNames),
  stepSize: count.nullable(),
  gamma: number.nullable(),
  patience: z.int().nonnegative().nullable(),
  warmup: number,
  earlyStop: count.nullable(),
  maxSteps: count.nullable(),
  onNan: z.enum(onNanChoices),
  checkpointEvery: z.union([z.object({ steps: count }), z.object({ minutes: number })]),
  seed: z.int().nonnegative(),
  threads: count,
  conv: z.enum(convolutionModes),
  backend: z.enum(backendNames),
  out: z.string(),
  force: z.boolean(),
}) satisfies z.ZodType<Settings>;

/** What says nothing about a run. */
const beside = new Set(["resume", "out"]);

/** A run as it was begun, and the settings with which it goes on. */
export interface ResumedRun {
  readonly settings: Settings;
  readonly begun: RunConfig;
}

/**
 * @param given Names of the options that the command line has.
 * @throws DataError if there is no run to go on with; UsageError for what is not as the run has it.
 */
export async function resumedSettings(
  run: string,
  model: string | undefined,
  options: Options,
  given: readonly string[],
): Promise<ResumedRun> {
  await checkResumable(run);
  const begun = await readRunConfig(run);
  const parsed = schema.safeParse(begun);
  if (!parsed.success) {
    const problem = `is not the config of a training to go on with: ${z.prettifyError(parsed.error)}`;
    throw new DataError(join(run, configFile), problem);
  }
  const settings = parsed.data;
  checkGiven(run, settings, { ...options, ...(model !== undefined && { model }) }, [
    ...given,
    ...(model === undefined ? [] : ["model"]),
  ]);
  const changed = given.filter((name) => mayChange.has(name)) as (keyof Options & keyof Settings)[];
  const changes = Object.fromEntries(changed.map((name) => [name, options[name]]));
  return { settings: { ...settings, ...changes, out: run, force: false }, begun };
}

function checkGiven(
  run: string,
  settings: Settings,
  options: Options & { readonly model?: string },
  given: readonly string[],
): void {
  const asked: Readonly<Record<string, unknown>> = {
    ...options,
    data: absoluteData(options.data),
    ...(options.dataDir !== undefined && { dataDir: resolve(options.dataDir) }),
  };
  const has: Readonly<Record<string, unknown>> = settings;
  for (const name of given) {
    if (mayChange.has(name) || beside.has(name)) continue;
    if (isDeepStrictEqual(asked[name], has[name])) continue;
    const [what, was] = [inWords(name, asked[name]), inWords(name, has[name])];
    throw new UsageError(
      `${what}: the run in ${run} has ${was}; leave it out, or begin another run with --out`,
    );
  }
  if (options.out !== undefined && resolve(options.out) !== resolve(run)) {
    throw new UsageError(`--out ${options.out}: a run goes on in its own folder, ${run}`);
  }
  checkLonger(run, settings, options);
}

/** A run goes on for as long as it was to, or for longer where that changes nothing in what it has done. */
function checkLonger(run: string, settings: Settings, options: Options): void {
  const { epochs, maxSteps, schedule } = settings;
  const { epochs: longer = epochs, maxSteps: more = maxSteps } = options;
  if (longer < epochs) {
    throw new UsageError(`--epochs ${longer}: the run in ${run} is for ${epochs}, or more`);
  }
  if (more !== null && (maxSteps === null || more < maxSteps)) {
    const has = maxSteps === null ? "is not limited" : `is for ${maxSteps}, or more`;
    throw new UsageError(`--max-steps ${more}: the run in ${run} ${has}`);
  }
  if (longer > epochs && schedule === "cosine") {
    throw new UsageError(
      `--epochs ${longer}: the run in ${run} has a cosine schedule, which leads the learning rate ` +
        `down to 0 in epoch ${epochs}; start another run from its weights with --init ${run}`,
    );
  }
}

/** An option as it is typed. */
function inWords(name: string, value: unknown): string {
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (name === "model") return String(value);
  if (name === "shuffle") return value === true ? "shuffled images" : "--no-shuffle";
  if (value === true) return option;
  if (value === false || value === null || value === undefined) return `no ${option}`;
  return `${option} ${Array.isArray(value) ? value.join(" ") : value}`;
}
