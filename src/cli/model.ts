// Networks by name, and those of runs.

import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { closest, distance } from "fastest-levenshtein";
import { checkRun } from "../look/load.js";
import { runTitle } from "../look/report/settings.js";
import { type ModelSpec, models } from "../models/index.js";
import { readRunConfig } from "../train/config.js";
import { UsageError } from "./errors.js";

/** Throws UsageError for a name that there is not, with the one probably meant. */
export const findModel = (name: string): ModelSpec => findNamed("model", name, models);

/** A network or a block that can be built for given images. */
export interface Buildable {
  readonly build: ModelSpec["build"];
  /** Channels, height, width. */
  readonly input: ModelSpec["input"];
}

/** What a name, or the folder of a run, stands for. */
export interface Named extends Buildable {
  /** The registry's name. */
  readonly model: string;
  readonly title: string;
  /** For a file's name. */
  readonly file: string;
}

/** What has this name in `table`; or else, if it is a run's folder, the network as it was trained. */
export async function findNamedOrRun(
  what: string,
  name: string,
  table: Readonly<Record<string, Buildable>>,
): Promise<Named> {
  const folder = await stat(name).catch(() => undefined);
  if (Object.hasOwn(table, name) || !folder?.isDirectory()) {
    const { build, input } = findNamed(what, name, table);
    return { build, input, model: name, title: name, file: name.replaceAll("/", "-") };
  }
  await checkRun(name);
  const config = await readRunConfig(name);
  const { inChannels, inputSize, numClasses, dropout } = config.network;
  const { build } = findModel(config.model);
  const own = { numClasses, ...(dropout !== null && { dropout }) };
  return {
    build: (options) => build({ ...options, ...own, ...defined(options?.numClasses) }),
    input: [inChannels, ...inputSize],
    model: config.model,
    title: runTitle(config),
    file: basename(resolve(name)),
  };
}

const defined = (numClasses: number | undefined) =>
  numClasses === undefined ? {} : { numClasses };

/** As `findModel`, among whatever has names. */
function findNamed<T>(what: string, name: string, table: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(table, name)) return table[name]!;
  const names = Object.keys(table);
  const nearest = closest(name.toLowerCase(), names);
  // Further off than half of its letters, it is another word.
  const meant = distance(name.toLowerCase(), nearest) <= nearest.length / 2;
  const hint = meant ? `did you mean "${nearest}"?` : `there are ${names.join(", ")}`;
  throw new UsageError(`there is no ${what} "${name}"; ${hint}`);
}
