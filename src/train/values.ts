// A network's values, read from wherever the engine keeps them. Browser-safe; files are weights.ts's.

import type { SafetensorsSource } from "../formats/safetensors.js";
import type { AnyModule } from "../nn/module.js";
import type { StateTensor } from "../nn/parameter.js";

/** Values by name. */
export type Weights = ReadonlyMap<string, SafetensorsSource>;

/**
 * Reads all parameters and buffers of a network, as they are now.
 *
 * @example (await readWeights(net)).get("1.weight")?.shape; // [10, 784]
 */
export function readWeights(net: AnyModule): Promise<Weights> {
  return readValues(net.stateDict());
}

/** Reads tensors by name, as they are now: those of an optimizer's `states()`, say. */
export async function readValues(
  states: Iterable<readonly [name: string, state: StateTensor]>,
): Promise<Weights> {
  const values = new Map<string, SafetensorsSource>();
  for (const [name, state] of states) {
    values.set(name, { shape: state.shape, data: await state.data() });
  }
  return values;
}
