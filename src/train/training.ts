// Where a training stands: counted up step by step, and as one plain value from which it goes on, bit
// for bit, as if it had never been interrupted. What a step is, fit.ts says; how a state is kept in a
// file, checkpoint.ts. Browser-safe.

import { fromTypedArray } from "../create.js";
import { ArgumentError } from "../errors.js";
import { sameShape, showShape } from "../graph/shape.js";
import type { Network } from "../nn/outputs.js";
import type { StateTensor } from "../nn/parameter.js";
import type { Optimizer } from "../optim/optimizer.js";
import { randomState, setRandomState } from "../runtime.js";
import { BestEpoch, type BestState } from "./best.js";
import { type EpochTimes, noTimes } from "./epoch-clock.js";
import {
  type CurvePoint,
  type EpochRecord,
  Running,
  type StepRecord,
  type Sums,
} from "./history.js";
import type { LearningRate, LearningRateState } from "./learning-rate.js";
import { readValues, readWeights, type Weights } from "./values.js";

/** A training between two steps: all that it takes to go on from there. */
export interface TrainingState {
  readonly progress: Progress;
  /** Of the network: parameters and buffers. */
  readonly weights: Weights;
  /** Of the optimizer: momentum and the like. */
  readonly optimizer: Weights;
  /** Of the best epoch so far, if `fit` keeps them (`restoreBest`). */
  readonly best?: Weights;
}

/** All of it that is no tensor, as plain data. */
export interface Progress {
  /** The epoch under way, from 1 on; after the last one, one more than there are. */
  readonly epoch: number;
  /** Batches of it that the network has learnt from. What was prepared ahead does not count. */
  readonly batch: number;
  /** Of the epoch so far. */
  readonly sums: Sums;
  readonly clock: EpochTimes;
  /** Of the whole epochs: what the rate of all of them is made of. */
  readonly learnt: { readonly examples: number; readonly seconds: number };
  readonly steps: readonly StepRecord[];
  readonly epochs: readonly EpochRecord[];
  readonly curve: readonly CurvePoint[];
  readonly best: BestState;
  readonly rate: LearningRateState;
  readonly random: { readonly seed: number; readonly step: number };
}

/** Counts up. What is public is for `fit` alone to change. */
export class Training {
  epoch = 1;
  batch = 0;
  running = new Running();
  /** Of the epoch, when no step was under way. */
  times = noTimes;
  learnt = { examples: 0, seconds: 0 };
  steps: StepRecord[] = [];
  epochs: EpochRecord[] = [];
  curve: CurvePoint[] = [];
  best = new BestEpoch();
  bestWeights: Weights | undefined;
  #random = randomState();

  constructor(
    readonly net: Network,
    readonly optimizer: Optimizer,
    readonly rate: LearningRate,
  ) {}

  /** Notes that no step is under way: what is drawn from now on is not the steps'. */
  settled(times: EpochTimes): void {
    this.times = times;
    this.#random = randomState();
  }

  /** Notes a point of the curve, of which the epoch has `batches`; one that it has already not again. */
  addPoint(batches: number): void {
    const { loss: trainLoss, accuracy: trainAcc } = this.running;
    const epoch = this.epoch - 1 + this.batch / batches;
    if (this.curve.at(-1)?.epoch !== epoch) this.curve.push({ epoch, trainLoss, trainAcc });
  }

  /** Takes in what came of the epoch, and goes on to the next. */
  epochEnded(record: EpochRecord): void {
    this.epochs.push(record);
    this.learnt.examples += this.running.examples;
    this.learnt.seconds += this.times.learning;
    this.epoch++;
    this.batch = 0;
    this.running = new Running();
    this.times = noTimes;
  }

  /** The state as it was when all was `settled`. */
  async state(): Promise<TrainingState> {
    const { epoch, batch, times, bestWeights } = this;
    const progress: Progress = {
      ...{ epoch, batch, clock: times },
      sums: this.running.sums,
      learnt: { ...this.learnt },
      steps: [...this.steps],
      epochs: [...this.epochs],
      curve: [...this.curve],
      best: this.best.state,
      rate: this.rate.state,
      random: this.#random,
    };
    return {
      progress,
      weights: await readWeights(this.net),
      optimizer: await readValues(this.optimizer.states()),
      ...(bestWeights && { best: bestWeights }),
    };
  }

  /**
   * Goes on from a state: network, optimizer, learning rate, random numbers.
   *
   * @param keepsBest Whether the best weights are kept; else a state's own are left alone.
   * @throws StateDictError, ShapeError or ArgumentError if it is another network's or optimizer's.
   */
  restore({ progress, weights, optimizer, best }: TrainingState, keepsBest: boolean): void {
    const states = checkedStates(this.optimizer, optimizer);
    this.net.loadStateDict(weights);
    for (const [state, { shape, data }] of states) state.set(fromTypedArray(data, shape));
    this.epoch = progress.epoch;
    this.batch = progress.batch;
    this.running = new Running(progress.sums);
    this.learnt = { ...progress.learnt };
    this.steps = [...progress.steps];
    this.epochs = [...progress.epochs];
    this.curve = [...progress.curve];
    this.best = new BestEpoch(progress.best);
    if (keepsBest) this.bestWeights = best;
    this.rate.restore(progress.rate);
    setRandomState(progress.random);
    this.settled(progress.clock);
  }
}

/** The optimizer's buffers, each with its values. */
function checkedStates(optimizer: Optimizer, values: Weights) {
  const own = new Map(optimizer.states());
  const { name } = optimizer.constructor;
  const refuse = (problem: string) => {
    throw new ArgumentError("fit", `the state to resume is not of this ${name}: ${problem}`);
  };
  for (const key of values.keys()) if (!own.has(key)) refuse(`it has "${key}"`);
  return Array.from(own, ([key, state]): [StateTensor, NonNullable<ReturnType<Weights["get"]>>] => {
    const value = values.get(key) ?? refuse(`it lacks "${key}"`);
    if (!sameShape(value.shape, state.shape)) {
      refuse(`"${key}" is ${showShape(value.shape)}, not ${showShape(state.shape)}`);
    }
    return [state, value];
  });
}
