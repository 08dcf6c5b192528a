// The weights that a training starts from: those of --init, read and looked at before anything is made of them.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../errors.js";
import { readShapes } from "../../formats/index.js";
import { quote } from "../../formats/quote.js";
import { sameShape } from "../../graph/shape.js";
import { grouped } from "../../look/numbers.js";
import { models } from "../../models/index.js";
import { init, type Network } from "../../nn/index.js";
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
import type { Settings } from "./settings.js";

/** Gives the network the weights of --init; `note` shows a line. The names of what it has from a file. */
export async function initialize(
  net: Network,
  { model, init: choice, partial }: Settings,
  note: (line: string) => void,
): Promise<readonly string[] | undefined> {
  if (choice === "default") return undefined;
  if (choice !== "xavier") return startFromFile(net, model, weightsOf(choice), partial, note);
  init.initXavier(net);
  return undefined;
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
    await checkFinite(net, loaded, file);
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

/** Tensors with values that are not finite which are named. */
const shownSpoiled = 3;

/** Refuses weights that would end a training at its first step, as if its learning rate were to blame. */
async function checkFinite(net: Network, loaded: readonly string[], file: string): Promise<void> {
  const own = net.stateDict();
  const spoiled: string[] = [];
  for (const name of loaded) {
    const values = await own.get(name)!.data();
    let count = 0;
    for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) count++;
    if (count > 0) spoiled.push(`${grouped(count)} of ${grouped(values.length)} in ${name}`);
  }
  if (spoiled.length === 0) return;
  const more = spoiled.length - shownSpoiled;
  throw new DataError(
    file,
    `holds values that are NaN or infinite, with which no training can begin: ${spoiled.slice(0, shownSpoiled).join(", ")}` +
      `${more > 0 ? `, … (${spoiled.length} tensors in all)` : ""}; take weights of before they became so, ` +
      "or leave these tensors out of the file and load it with --partial",
  );
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
