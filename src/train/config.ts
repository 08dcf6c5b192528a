// A run's config.json: what it takes to build its network again, to prepare images for it, and to
// repeat the run. Written by the command line, read by whatever looks at a run. Node only.

import { join } from "node:path";
import { z } from "zod";
import { convolutionModes } from "../backends/backend.js";
import { DataError } from "../errors.js";
import { readFileLimited } from "../formats/files.js";
import { printable } from "../formats/quote.js";
import { sha256 } from "./image-list.js";

const count = z.int().positive();
const side = z.int().positive().max(65_535);

/** In one piece: a file of a million numbers would be a million problems, each with its words. */
const texts = z.custom<[string, ...string[]]>(
  (value) => Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === "string"),
  "Invalid input: expected a list of strings, at least one",
);

/** The settings of the command line come on top: they are kept as they are. */
const schema = z.looseObject({
  /** A name of the registry. */
  model: z.string(),
  network: z.object({
    inChannels: count,
    numClasses: count,
    inputSize: z.tuple([side, side]),
    dropout: z.number().min(0).max(1).nullable(),
  }),
  /** fashion-mnist, mnist, cifar10 or folder:PATH. */
  data: z.string(),
  dataDir: z.string().nullable(),
  classNames: texts,
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  batchSize: count,
  /** How convolutions were chosen; runs that say nothing of it had direct ones alone. */
  conv: z.enum(convolutionModes).optional(),
  /** Lists of transforms (data/transforms): of training, and of everything after it. */
  transforms: z.object({ train: z.array(z.unknown()), eval: z.array(z.unknown()) }),
});

export type RunConfig = z.infer<typeof schema>;

export const configFile = "config.json";

/** A hundred thousand class names take less. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Reads the config.json of a run.
 *
 * @throws DataError if it is missing, no JSON, or lacks something.
 * @example const { model, classNames } = await readRunConfig("runs/a");
 */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const parsed = schema.safeParse(await readJson(folder));
  if (parsed.success) return parsed.data;
  const problem = `is not the config of a run: ${printable(z.prettifyError(parsed.error))}`;
  throw new DataError(join(folder, configFile), problem);
}

async function readJson(folder: string): Promise<unknown> {
  const file = join(folder, configFile);
  const text = new TextDecoder().decode(await readFileLimited(file, maxBytes));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(file, `is not JSON: ${printable((error as Error).message)}`);
  }
}

// ---------------------------------------------------------------- the same run

/** The settings that may be others when a run goes on: they decide nothing about a step that it has done. */
export const mayChange: ReadonlySet<string> = new Set([
  "epochs",
  "maxSteps",
  "threads",
  "workers",
  "checkpointEvery",
  "onNan",
]);
/** What is told beside the settings. */
const beside = new Set(["out", "force", "computedBy", "versions", "startedAt"]);

/** Of a config, what the steps of its run depend on. */
function decisive(config: object): [key: string, value: unknown][] {
  const plain: object = JSON.parse(JSON.stringify(config));
  return Object.entries(plain).filter(([key]) => !mayChange.has(key) && !beside.has(key));
}

/**
 * Tells runs apart whose steps are others.
 *
 * @param images What it learns from (image-list.ts).
 */
export function fingerprint(config: object, images = ""): string {
  return sha256(`${JSON.stringify(decisive(config))}\n${images}`);
}

/**
 * The first setting of which the run in `folder` tells another value than `config` has, and that may not change.
 *
 * @returns In words; undefined if there is none.
 * @throws DataError if its config.json cannot be read.
 */
export async function changedSetting(folder: string, config: object): Promise<string | undefined> {
  const json = await readJson(folder);
  const there = new Map(decisive(json instanceof Object ? json : {}));
  for (const [key, value] of decisive(config)) {
    const [was, is] = [JSON.stringify(there.get(key)), JSON.stringify(value)];
    if (was !== is) return `its ${key} was ${was ?? "not told"}, and is now ${is}`;
  }
  return undefined;
}
