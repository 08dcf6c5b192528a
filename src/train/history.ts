// What a training leaves to be told: a record per step, a record per epoch, the points of its curve.
// Data and the sums behind it only; fit.ts fills it, run-folder.ts and look/ show it.

/** One step of the optimizer. */
export interface StepRecord {
  /** From 1 on, through all epochs. */
  readonly step: number;
  /** From 1 on. */
  readonly epoch: number;
  /** Of this batch, before the step; the f32 in full. */
  readonly loss: number;
  /** The learning rate of the step. */
  readonly lr: number;
  /** That it changed nothing, because its loss or gradients were not finite. */
  readonly skipped?: true;
}

/** One epoch. Losses are means over examples, accuracies shares of them. */
export interface EpochRecord {
  readonly epoch: number;
  /** Over the epoch's batches, each before its step: the network changes underway. */
  readonly trainLoss: number;
  readonly trainAcc: number;
  /** On the validation part, after the epoch; null without one. */
  readonly valLoss: number | null;
  readonly valAcc: number | null;
  /** After the epoch; null where nothing was tested. */
  readonly testLoss: number | null;
  readonly testAcc: number | null;
  /** The learning rate of the epoch's last step. */
  readonly lr: number;
  /** Training examples by training time; testing is not counted in. */
  readonly examplesPerSecond: number;
  /** The whole epoch, validation and test included: what d2l's train_ch5 prints as time. */
  readonly seconds: number;
  /**
   * The share of the training time, 0…1, in which there was nothing to compute because the next batch
   * was not ready. What this thread prepares itself (a loader's `workers: 0`) does not show here.
   */
  readonly waited: number;
}

/** A point of the learning curve. */
export interface CurvePoint {
  /** Epochs done, in fractions: 0.2 after a fifth of the first. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAcc: number;
}

export interface History {
  readonly steps: readonly StepRecord[];
  readonly epochs: readonly EpochRecord[];
  /** Five times per epoch, as d2l's plots have them. */
  readonly curve: readonly CurvePoint[];
  /** The epoch that did best on the validation part; null without one. */
  readonly best: EpochRecord | null;
  /** Whether it ended because epochs brought nothing better any more. */
  readonly stoppedEarly: boolean;
  /** Over all epochs. */
  readonly examplesPerSecond: number;
}

/** What one batch gave. */
export interface BatchResult {
  readonly loss: number;
  readonly correct: number;
  readonly examples: number;
  /** Whether loss and gradients were. Measuring does not look. */
  readonly finite: boolean;
}

/** What the means over some batches are made of. */
export interface Sums {
  /** Of losses, each times the examples of its batch. */
  readonly loss: number;
  readonly correct: number;
  readonly examples: number;
}

/** Loss and accuracy over the batches so far. */
export class Running {
  #loss: number;
  #correct: number;
  examples: number;

  constructor({ loss, correct, examples }: Sums = { loss: 0, correct: 0, examples: 0 }) {
    this.#loss = loss;
    this.#correct = correct;
    this.examples = examples;
  }

  get sums(): Sums {
    return { loss: this.#loss, correct: this.#correct, examples: this.examples };
  }

  add({ loss, correct, examples }: Omit<BatchResult, "finite">): void {
    this.#loss += loss * examples;
    this.#correct += correct;
    this.examples += examples;
  }

  get loss(): number {
    return this.#loss / this.examples;
  }
  get accuracy(): number {
    return this.#correct / this.examples;
  }
}
