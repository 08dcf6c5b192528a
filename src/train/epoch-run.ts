// The steps of one epoch, from wherever it was left: batches go to the engine, and what comes of them to
// the training's records and sums. What follows an epoch is fit.ts's, how batches and steps overlap
// pipeline.ts's. Browser-safe.

import { randomState } from "../runtime.js";
import type { Tensor } from "../tensor.js";
import { diagnose } from "./diagnose.js";
import { EpochClock } from "./epoch-clock.js";
import { type FitOptions, stepOptions } from "./fit-options.js";
import type { BatchResult, EpochRecord, StepRecord } from "./history.js";
import { NonFiniteError } from "./non-finite.js";
import { runPipeline } from "./pipeline.js";
import type { Saver } from "./saver.js";
import { looksAtAll, type Step, type StepOutput } from "./steps.js";
import type { Training } from "./training.js";

/** Points of the curve per epoch. */
const pointsPerEpoch = 5;
/** So many steps in a row that were skipped: no later one will do better. */
const hopeless = 10;

/** How many of the last steps were skipped. */
const skippedInARow = (steps: readonly StepRecord[]) =>
  steps.length - 1 - steps.findLastIndex(({ skipped }) => !skipped);

/** A step that is under way. */
interface Started {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly lr: number;
  /** Where its random numbers begin. */
  readonly random: ReturnType<typeof randomState>;
}

/** What an epoch's record says of its training. */
type Learnt = Pick<EpochRecord, "trainLoss" | "trainAcc" | "lr" | "examplesPerSecond" | "waited">;

export class EpochRun {
  /** Batches of the epoch after which this ends. */
  readonly #end: number;
  readonly #clock: EpochClock;
  readonly #underWay: Started[] = [];

  /** @param learn The step. */
  constructor(
    private readonly training: Training,
    private readonly learn: Step,
    private readonly saver: Saver,
    private readonly options: FitOptions,
  ) {
    const { train, maxSteps = Number.POSITIVE_INFINITY } = options;
    const { steps, batch, times } = training;
    this.#end = Math.min(train.batches, maxSteps - (steps.length - batch));
    this.#clock = new EpochClock(times);
  }

  /** Whether `maxSteps` ends it before its last batch. */
  get isCut(): boolean {
    return this.#end < this.options.train.batches;
  }

  /**
   * Learns from what is left of the epoch.
   *
   * @throws NonFiniteError at a step whose numbers are none; the signal's reason, once no step is under
   *   way; what keeps a batch from coming or a state from being kept.
   */
  async run(): Promise<Learnt> {
    const { training, saver } = this;
    const { train, signal } = this.options;
    const { epoch, batch: startBatch } = training;
    training.net.train();
    try {
      await runPipeline({
        batches: train.epoch(epoch - 1, { startBatch }),
        limit: this.#end - startBatch,
        idle: this.#clock.idle,
        step: (x, y) => this.#start(x, y),
        onResult: (result) => this.#take(result),
        pauseNow: () => saver.due(this.#started),
        onPause: () => {
          this.#settle();
          return saver.save();
        },
        ...(signal && { signal }),
      });
    } finally {
      this.#settle();
    }
    const { running, times, steps } = training;
    return {
      trainLoss: running.loss,
      trainAcc: running.accuracy,
      lr: steps.at(-1)!.lr,
      examplesPerSecond: running.examples / times.learning,
      waited: times.waited / times.passed,
    };
  }

  /** Steps of all epochs, those under way included. */
  get #started(): number {
    return this.training.steps.length + this.#underWay.length;
  }

  #start(x: Tensor, y: Tensor): Promise<StepOutput> {
    this.#clock.stepStarted();
    const lr = this.training.rate.at(this.#started + 1);
    this.#underWay.push({ x, y, lr, random: randomState() });
    return this.learn(x, y);
  }

  async #take(result: BatchResult): Promise<void> {
    const { training, options } = this;
    const { steps, epoch, running } = training;
    const { loss, finite } = result;
    const started = this.#underWay.shift()!;
    this.#clock.resultCame();
    const skips = !finite && options.onNonFinite === "skip";
    if (finite) running.add(result);
    const record: StepRecord = {
      ...{ step: steps.length + 1, epoch, loss, lr: started.lr },
      ...(skips && { skipped: true }),
    };
    steps.push(record);
    const batch = ++training.batch;
    const { batches } = options.train;
    const fifth = (batch: number) => Math.floor((batch * pointsPerEpoch) / batches);
    if (fifth(batch) > fifth(batch - 1)) training.addPoint(batches);
    await options.onStep?.({
      ...record,
      ...{ batch, batches: Math.min(batches, this.#end) },
      ...{ examples: running.examples, trainLoss: running.loss, trainAcc: running.accuracy },
      examplesPerSecond: running.examples / this.#clock.times.learning,
    });
    if (!finite && !(skips && skippedInARow(steps) < hopeless)) await this.#refuse(record, started);
  }

  /** Ends the training at a step whose numbers are none. */
  async #refuse({ step, epoch, loss }: StepRecord, { x, y, random }: Started): Promise<never> {
    const { training, saver } = this;
    const options = stepOptions(this.options);
    const skipped = skippedInARow(training.steps.slice(0, -1));
    // gradients that were not looked at before the update have changed the weights
    const taken = Number.isFinite(loss) && !looksAtAll(options);
    const updates = taken ? ([step, step] as const) : ([saver.unseen, step - 1 - skipped] as const);
    const finding = await diagnose(training.net, { ...{ x, y, random, updates }, ...options });
    throw new NonFiniteError({
      ...{ step, epoch, loss, finding, skipped },
      ...(taken && { taken }),
    });
  }

  /** No step is under way: the training may be kept as it stands. */
  #settle(): void {
    this.training.settled(this.#clock.times);
  }
}
