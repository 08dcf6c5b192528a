// Looks whether the values that a training has left are numbers, before any of them are kept. Which step's
// work spoiled them is diagnose.ts's to say. Browser-safe.

import type { TypedArray } from "../graph/dtype.js";
import type { Network } from "../nn/outputs.js";
import type { StateTensor } from "../nn/parameter.js";
import type { Optimizer } from "../optim/optimizer.js";
import type { Finding } from "./non-finite.js";
import type { TrainingState } from "./training.js";

/** Where values are not finite. */
export type Spoiled = Required<Pick<Finding, "layer" | "type" | "name">> & Pick<Finding, "kept">;

/**
 * Values of the last layer that has some which are not finite: gradients come by that one first, and spoil all
 * on their way. Else the last of them that the optimizer keeps.
 *
 * @param isChanged Whether the training has changed a state: what was given to it infinite may stay so.
 * @param read What was read of them; else they are read here, one at a time.
 */
export async function findSpoiled(
  net: Network,
  optimizer: Optimizer,
  isChanged: (state: StateTensor) => boolean,
  read?: Pick<TrainingState, "weights" | "optimizer">,
): Promise<Spoiled | undefined> {
  const weights = await spoiledNames(net.stateDict(), isChanged, read?.weights);
  if (weights.length > 0) {
    const last = layerOf(net, weights.at(-1)!);
    return { ...last, name: weights.find((name) => layerOf(net, name).layer === last.layer)! };
  }
  const buffer = (await spoiledNames(optimizer.states(), isChanged, read?.optimizer)).at(-1);
  if (buffer === undefined) return undefined;
  // "0.exp_avg" belongs to parameters[0]
  const [, index, kept] = /^(\d+)\.(.*)$/.exec(buffer) ?? [];
  const parameter = optimizer.parameters[Number(index)];
  const [name] = [...net.namedParameters()].find(([, p]) => p === parameter) ?? [buffer];
  return { ...layerOf(net, name), name, ...(kept !== undefined && { kept }) };
}

async function spoiledNames(
  states: Iterable<readonly [name: string, state: StateTensor]>,
  isChanged: (state: StateTensor) => boolean,
  read: TrainingState["weights"] | undefined,
): Promise<string[]> {
  const names: string[] = [];
  for (const [name, state] of states) {
    if (!isChanged(state)) continue;
    const data = read?.get(name)?.data ?? (await state.data());
    if (data instanceof Float32Array && !allFinite(data)) names.push(name);
  }
  return names;
}

/** 0 · x is 0 for every finite x, and else NaN; a sum with NaN in it is NaN. */
function allFinite(values: TypedArray): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i]!;
  return sum === 0;
}

/** The innermost module that the name is of. */
function layerOf(net: Network, name: string): Pick<Spoiled, "layer" | "type"> {
  const layer = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "";
  const [, module] = [...net.namedModules()].find(([own]) => own === layer) ?? [layer, net];
  return { layer, type: module.constructor.name };
}
