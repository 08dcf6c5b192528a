// Which epoch was the best on the validation part, and how long ago: what keeps weights, and what ends
// a training early. The test set has no say in either.

import type { EpochRecord } from "./history.js";

/** All that it remembers. */
export interface BestState {
  readonly record: EpochRecord | null;
  /** Epochs since the best one. */
  readonly since: number;
}

export class BestEpoch {
  #best: EpochRecord | null;
  #since: number;

  constructor({ record, since }: BestState = { record: null, since: 0 }) {
    this.#best = record;
    this.#since = since;
  }

  get state(): BestState {
    return { record: this.#best, since: this.#since };
  }

  get record(): EpochRecord | null {
    return this.#best;
  }

  /** Takes an epoch in; whether it is the best so far. */
  add(record: EpochRecord): boolean {
    const better = isBetter(record, this.#best);
    if (better) this.#best = record;
    this.#since = better ? 0 : this.#since + 1;
    return better;
  }

  /** Whether as many epochs have brought nothing better. */
  stale(patience: number): boolean {
    return this.#since >= patience;
  }
}

/** More accurate, or as accurate with less loss. An epoch whose loss is no number is never better. */
function isBetter({ valAcc, valLoss }: EpochRecord, best: EpochRecord | null): boolean {
  if (valAcc === null || !Number.isFinite(valLoss)) return false;
  if (best === null) return true;
  return valAcc > best.valAcc! || (valAcc === best.valAcc && valLoss! < best.valLoss!);
}
