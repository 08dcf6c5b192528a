// When the state of a training is kept, and that nothing is kept that is not finite. How it is kept,
// whoever asks for it says. Browser-safe.

import type { StateTensor } from "../nn/parameter.js";
import { findSpoiled } from "./finite.js";
import type { CheckpointOptions } from "./fit-options.js";
import { NonFiniteError } from "./non-finite.js";
import type { Training, TrainingState } from "./training.js";

export class Saver {
  #last = performance.now();
  /** Which state is kept: that from which it goes on, at first. */
  #kept: string;
  /** The last step after which values were known to be finite. */
  #sound: number;
  /** The versions of all states when it began. */
  readonly #begun: ReadonlyMap<StateTensor, number>;

  constructor(
    private readonly training: Training,
    private readonly options: CheckpointOptions | undefined,
  ) {
    this.#kept = this.#now;
    this.#sound = training.steps.length;
    const states = [...training.net.stateDict(), ...training.optimizer.states()];
    this.#begun = new Map(states.map(([, tensor]) => [tensor, tensor.state.version]));
  }

  /** Steps, and whether the epoch of the last one is over. */
  get #now(): string {
    return `${this.training.steps.length} ${this.training.batch}`;
  }

  /** The first step whose update nobody has looked at. */
  get unseen(): number {
    return this.#sound + 1;
  }

  /** Whether it is time within an epoch, after so many steps in all. */
  due(steps: number): boolean {
    const { everySteps, everySeconds = Number.POSITIVE_INFINITY } = this.options ?? {};
    if (everySteps !== undefined && steps % everySteps === 0) return true;
    return performance.now() - this.#last >= 1000 * everySeconds;
  }

  /**
   * Makes sure that all values of network and optimizer that steps have changed are finite: a gradient
   * that is not may have been without effect on any loss. No step may be under way.
   *
   * @param state What was read of them, if they are to be kept.
   * @throws NonFiniteError naming the layer, and the steps that may have done it.
   */
  async check(state?: TrainingState): Promise<void> {
    const { net, optimizer, steps, epoch } = this.training;
    const step = steps.length;
    if (step === this.#sound) return;
    const isChanged = (tensor: StateTensor) => this.#begun.get(tensor) !== tensor.state.version;
    const spoiled = await findSpoiled(net, optimizer, isChanged, state);
    if (spoiled) {
      const finding = { kind: "update", ...spoiled, steps: [this.unseen, step] } as const;
      const { loss } = steps.at(-1)!;
      throw new NonFiniteError({ step, epoch, loss, finding, skipped: 0, taken: true });
    }
    this.#sound = step;
  }

  /** Keeps the state, unless that is what was kept last. No step may be under way. */
  async save(): Promise<void> {
    if (!this.options || this.#now === this.#kept) return;
    const state = await this.training.state();
    await this.check(state);
    await this.options.save(state);
    this.#kept = this.#now;
    this.#last = performance.now();
  }
}
