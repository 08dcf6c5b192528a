// When the state of a training is kept. How it is kept, whoever asks for it says. Browser-safe.

import type { CheckpointOptions } from "./fit-options.js";
import type { Training } from "./training.js";

export class Saver {
  #last = performance.now();
  /** What was kept last: steps, and whether their epoch was over. */
  #kept = "";

  constructor(
    private readonly training: Training,
    private readonly options: CheckpointOptions | undefined,
  ) {}

  /** Whether it is time within an epoch, after so many steps in all. */
  due(steps: number): boolean {
    const { everySteps, everySeconds = Number.POSITIVE_INFINITY } = this.options ?? {};
    if (everySteps !== undefined && steps % everySteps === 0) return true;
    return performance.now() - this.#last >= 1000 * everySeconds;
  }

  /** Keeps the state, unless that is what was kept last. No step may be under way. */
  async save(): Promise<void> {
    const { steps, batch } = this.training;
    const now = `${steps.length} ${batch}`;
    if (!this.options || now === this.#kept) return;
    await this.options.save(await this.training.state());
    this.#kept = now;
    this.#last = performance.now();
  }
}
