// Weights to start from: PyTorch's default, d2l's Xavier, or those of a file.

import { DataError, FoveaError } from "../errors.js";
import type { SafetensorsEntry, SafetensorsSource } from "../formats/safetensors.js";
import { readSafetensors } from "../formats/safetensors-file.js";
import { init, type Module } from "../nn/index.js";

/** Reads the values of `--init`; `undefined` where it names no file. Nothing is changed by it. */
export async function readInit(
  choice: string,
): Promise<Map<string, SafetensorsSource> | undefined> {
  if (choice === "default" || choice === "xavier") return undefined;
  const entries = await readSafetensors(choice);
  return new Map([...entries].map(([name, entry]) => [name, asSource(choice, name, entry)]));
}

function asSource(file: string, name: string, entry: SafetensorsEntry): SafetensorsSource {
  if (entry.dtype === "i64") {
    throw new DataError(file, `${name} is of dtype i64; weights are expected in f32`);
  }
  return entry;
}

/** Gives `net` its first values. */
export function initialize(
  net: Module,
  choice: string,
  values: Map<string, SafetensorsSource> | undefined,
): void {
  if (choice === "xavier") init.initXavier(net);
  if (!values) return;
  try {
    net.loadStateDict(values);
  } catch (error) {
    if (!(error instanceof FoveaError)) throw error;
    throw new DataError(choice, `does not fit the network; ${error.message}`);
  }
}

/** All values of a network, to be written. */
export async function readWeights(net: Module): Promise<Map<string, SafetensorsSource>> {
  const weights = new Map<string, SafetensorsSource>();
  for (const [name, tensor] of net.stateDict()) {
    weights.set(name, { shape: tensor.shape, data: await tensor.data() });
  }
  return weights;
}
