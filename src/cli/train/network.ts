// The network of a training: built for its images, with parts of it frozen. The weights that it starts from
// are init.ts's.

import { ArgumentError } from "../../errors.js";
import { grouped } from "../../look/numbers.js";
import { Buffer, Dropout, type Network, summarize } from "../../nn/index.js";
import { freeze } from "../../train/freeze.js";
import { blaming, UsageError } from "../errors.js";
import { findModel } from "../model.js";
import { initialize } from "./init.js";
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
  const net = blaming(`--resize ${resize}`, () => {
    const built = findModel(model).build({ ...shape, ...(dropout !== null && { dropout }) });
    summarize(built, [1, ...images]);
    return built;
  });
  if (dropout && ![...net.modules()].some((module) => module instanceof Dropout)) {
    throw new UsageError(`--dropout ${dropout}: ${model} has no dropout layers`);
  }
  return net;
}

/** Gives the network the weights of --init and freezes what --freeze names; `note` shows a line. */
export async function startNetwork(
  net: Network,
  settings: Settings,
  note: (line: string) => void,
): Promise<void> {
  const loaded = await initialize(net, settings, note);
  if (settings.freeze.length === 0) return;
  const names = freezeParts(net, settings.freeze, note);
  const random = loaded && names.filter((name) => !loaded.includes(name));
  if (random?.length) {
    note(`frozen with new values, as the file has none that fit: ${random.join(", ")}`);
  }
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
