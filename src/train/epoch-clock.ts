// How long an epoch takes, counted on from where it was interrupted. Browser-safe.

import { IdleClock } from "./pipeline.js";

/** In seconds; of an epoch that was interrupted, all its parts together. */
export interface EpochTimes {
  /** From the first step to the last result. */
  readonly learning: number;
  /** From asking for the first batch on. */
  readonly passed: number;
  /** Of this, while the engine had nothing to do because the next batch was not ready. */
  readonly waited: number;
}

export const noTimes: EpochTimes = { learning: 0, passed: 0, waited: 0 };

/** Runs from its making on. */
export class EpochClock {
  readonly idle = new IdleClock();
  readonly #began = performance.now();
  #firstStep: number | undefined;
  #learning = 0;

  /** @param before What the epoch took before it was interrupted. */
  constructor(private readonly before: EpochTimes) {}

  stepStarted(): void {
    this.#firstStep ??= performance.now();
  }

  resultCame(): void {
    this.#learning = secondsSince(this.#firstStep!);
  }

  get times(): EpochTimes {
    const { learning, passed, waited } = this.before;
    return {
      learning: learning + this.#learning,
      passed: passed + secondsSince(this.#began),
      waited: waited + this.idle.waited,
    };
  }
}

const secondsSince = (start: number) => (performance.now() - start) / 1000;
