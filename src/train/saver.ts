// When the state of a training is kept. How it is kept, whoever asks for it says. Browser-safe.

import type { CheckpointOptions } from "./fit-options.js";
import type { Training } from "./training.js";

export class Saver {
  #last = performance.now();
  /** Which state is kept: that from which it goes on, at first. */
  #kept: string;

  constructor(
    private readonly training: Training,
    private readonly options: CheckpointOptions | undefined,
  ) {
    this.#kept = this.#now;
  }

  /** Steps, and whether the epoch of the last one is over. */
  get #now(): string {
    return `${this.training.steps.length} ${this.training.batch}`;
  }

  /** Whether it is time within an epoch, after so many steps in all. */
  due(steps: number): boolean {
    const { everySteps, everySeconds = Number.POSITIVE_INFINITY } = this.options ?? {};
    if (everySteps !== undefined && steps % everySteps === 0) return true;
    return performance.now() - this.#last >= 1000 * everySeconds;
  }

  /** Keeps the state, unless that is what was kept last. No step may be under way. */
  async save(): Promise<void> {
    if (!this.options || this.#now === this.#kept) return;
    await this.options.save(await this.training.state());
    this.#kept = this.#now;
    this.#last = performance.now();
  }
}
