// The network of a training: built for its images, started from the weights that are asked for, with
// parts of it frozen.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { ArgumentError, DataError, FoveaError, ShapeError } from "../../errors.js";
import { readShapes } from "../../formats/index.js";
import { quote } from "../../formats/quote.js";
import { sameShape } from "../../graph/shape.js";
import { grouped } from "../../look/numbers.js";
import { models } from "../../models/index.js";
import { Buffer, Dropout, init, type Network, summarize } from "../../nn/index.js";
import { freeze } from "../../train/freeze.js";
import { runFiles } from "../../train/run-folder.js";
import {
  inWords,
  listLeft,
  loadWeights,
  WeightsMismatchError,
  without,
  wrapperOf,
} from "../../train/weights.js";
import { UsageError } from "../errors.js";
import { findModel } from "../model.js";
import { dimensions } from "../text.js";
import type { Settings } from "./settings.js";

/** What a network is built with, as a run's config has it. */
export interface NetworkFacts {
  readonly inChannels: number;
  readonly numClasses: number;
  readonly inputSize: readonly [height: number, width: number];
  readonly dropout: number | null;
}

/** The network, once it is sure that it takes such images. */
export function buildNetwork(settings: Settings, facts: NetworkFacts): Network {
  const { model, resize } = settings;
  const { dropout, ...shape } = facts;
  const images = [facts.inChannels, ...facts.inputSize];
  let net: Network;
  try {
    net = findModel(model).build({ ...shape, ...(dropout !== null && { dropout }) });
    summarize(net, [1, ...images]);
  } catch (error) {
    if (error instanceof ArgumentError)
      throw new UsageError(`--resize ${resize}: ${error.message}`);
    if (!(error instanceof ShapeError)) throw error;
    throw new FoveaError(
      `${model} does not take images of ${dimensions(images)}: ${error.message}`,
    );
  }
  if (dropout && ![...net.modules()].some((module) => module instanceof Dropout)) {
    throw new UsageError(`--dropout ${dropout}: ${model} has no dropout layers`);
  }
  return net;
}

/** Gives the network the weights of --init and freezes what --freeze names; `note` shows a line. */
export async function startNetwork(
  net: Network,
  { model, init: choice, partial, freeze: frozen }: Settings,
  note: (line: string) => void,
): Promise<void> {
  let loaded: readonly string[] | undefined;
  if (choice === "xavier") init.initXavier(net);
  else if (choice !== "default") {
    loaded = await startFromFile(net, model, weightsOf(choice), partial, note);
  }
  if (frozen.length === 0) return;
  const names = freezeParts(net, frozen, note);
  const random = loaded && names.filter((name) => !loaded.includes(name));
  if (random?.length) {
    note(`frozen with new values, as the file has none that fit: ${random.join(", ")}`);
  }
}

/** Lines for what --partial has left. */
const shownLeft = 20;

/** Throws UsageError unless --init names something to start from. Reads nothing. */
export function checkInit(choice: string): void {
  if (choice !== "default" && choice !== "xavier") weightsOf(choice);
}

/** The file with the weights of --init, which may also name the folder of a run. */
function weightsOf(choice: string): string {
  if (statSync(choice, { throwIfNoEntry: false })?.isDirectory()) {
    const file = join(choice, runFiles.weights);
    if (existsSync(file)) return file;
    throw new UsageError(
      existsSync(join(choice, runFiles.config))
        ? `--init ${choice}: this run has no ${runFiles.weights}: no epoch of its training is done`
        : `--init ${choice}: this folder is no run, as it has no ${runFiles.weights}`,
    );
  }
  if (existsSync(choice) || /\.(safetensors|pth?)$/.test(choice)) return choice;
  throw new UsageError(
    "--init must be default, xavier, the folder of a run, or a file of weights (.safetensors, .pth, .pt), " +
      `got "${choice}"`,
  );
}

/** Names of what it has from the file. */
async function startFromFile(
  net: Network,
  model: string,
  file: string,
  partial: boolean,
  note: (line: string) => void,
): Promise<readonly string[]> {
  try {
    const { loaded, left, wrapper } = await loadWeights(net, file, { partial });
    if (wrapper) note(`${file}: all names in it begin with ${quote(wrapper)}, which is left out`);
    if (!partial) return loaded;
    note(`${file}: loaded ${loaded.length} of ${net.stateDict().size} tensors`);
    for (const leftover of left.slice(0, shownLeft)) note(`  left ${inWords(leftover)}`);
    if (left.length > shownLeft) note(`  … and ${left.length - shownLeft} more`);
    return loaded;
  } catch (error) {
    if (!(error instanceof WeightsMismatchError)) throw error;
    throw new DataError(file, await mismatch(error, model, partial));
  }
}

/** What is wrong with a file of --init, in the words of the command line. */
async function mismatch(error: WeightsMismatchError, model: string, partial: boolean) {
  const { file, left, wrapper } = error;
  const meant = await modelOf(file);
  const probably = meant === undefined || meant === model ? "" : `, probably of ${meant}`;
  const sameNames = left.every(({ reason }) => !reason.startsWith("not in"));
  if (sameNames && !partial) {
    return `has other shapes than ${model} here: ${listLeft(left)}; --partial loads what fits`;
  }
  const what = `holds the weights of another network${probably}, not of ${model}${without(wrapper)}`;
  if (partial) return `${what}: nothing of it fits`;
  // between networks that are known to be two, similar names are chance
  const shown = probably === "" ? left : left.map(({ name, reason }) => ({ name, reason }));
  return `${what}: ${listLeft(shown, 2)}; --partial loads what fits`;
}

/** The network of the registry whose tensors have these names, and mostly these shapes. */
async function modelOf(file: string): Promise<string | undefined> {
  const shapes = await readShapes(file);
  const names = [...shapes.keys()];
  let [best, most] = [undefined as string | undefined, -1];
  for (const [name, { build }] of Object.entries(models)) {
    const own = build().stateDict();
    const wrapper = wrapperOf(names, own);
    const theirs = [...own.keys()].map((key) => shapes.get(wrapper + key));
    if (own.size !== shapes.size || theirs.includes(undefined)) continue;
    const equal = [...own.values()].filter(({ shape }, i) => sameShape(shape, theirs[i]!)).length;
    if (equal > most) [best, most] = [name, equal];
  }
  return best;
}

/** The names of what is frozen. */
function freezeParts(
  net: Network,
  names: readonly string[],
  note: (line: string) => void,
): readonly string[] {
  let frozen: string[];
  try {
    frozen = freeze(net, names);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new UsageError(`--freeze: ${error.problem}`);
  }
  const parameters = [...net.namedParameters()];
  const learning = parameters.filter(([, p]) => p.requiresGrad);
  const size = learning.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  note(
    `${frozen.length} of ${parameters.length} parameters are frozen; ${grouped(size)} numbers learn`,
  );
  const modules = new Set(frozen.map((name) => name.slice(0, name.lastIndexOf("."))));
  const counting = [...net.namedModules()].some(
    ([name, module]) => modules.has(name) && Object.values(module).some((v) => v instanceof Buffer),
  );
  if (counting)
    note("Running means and variances of frozen batch norm layers follow the images still.");
  return frozen;
}
