// The learning rate over a training: a linear warm-up step by step, then whatever a schedule of optim
// makes of it epoch by epoch. Browser-safe.

import type { Optimizer } from "../optim/optimizer.js";

/** What changes the learning rate after an epoch: any schedule of `optim`. */
export interface EpochSchedule {
  /** @param loss The epoch's, on the validation part if there is one, else in training. */
  step(loss: number): void;
  /** What it remembers, as plain data, and how it goes on from there: what checkpoints need. */
  stateDict?(): object;
  loadStateDict?(state: object): void;
}

/** All that is remembered of it, as plain data. */
export interface LearningRateState {
  /** What the warm-up leads to. */
  readonly target: number;
  /** The optimizer's. */
  readonly lr: number;
  /** The schedule's, if there is one. */
  readonly schedule: object | null;
}

export class LearningRate {
  /** What the warm-up leads to. */
  #target: number;

  constructor(
    private readonly optimizer: Optimizer,
    private readonly schedule: EpochSchedule | undefined,
    private readonly warmupSteps: number,
  ) {
    this.#target = optimizer.lr;
  }

  /**
   * The rate of a step, from 1 on: step/warmupSteps of the full one during the warm-up. After it, what
   * the optimizer has, so that whoever sets it by hand may.
   */
  at(step: number): number {
    const { optimizer, warmupSteps } = this;
    if (step < warmupSteps) optimizer.lr = (this.#target * step) / warmupSteps;
    else if (step === warmupSteps) optimizer.lr = this.#target;
    return optimizer.lr;
  }

  /** After an epoch, `steps` in all: the schedule's epochs begin where the warm-up has ended. */
  epochEnded(steps: number, loss: number): void {
    if (steps > this.warmupSteps) this.schedule?.step(loss);
  }

  get state(): LearningRateState {
    const schedule = this.schedule?.stateDict?.() ?? null;
    return { target: this.#target, lr: this.optimizer.lr, schedule };
  }

  /** Goes on where `state` was taken; sets `optimizer.lr` too. */
  restore({ target, lr, schedule }: LearningRateState): void {
    this.#target = target;
    if (schedule) this.schedule?.loadStateDict?.(schedule);
    this.optimizer.lr = lr;
  }
}
