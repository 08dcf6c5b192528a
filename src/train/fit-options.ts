// What can be asked of a training: the options of `fit`, what they are allowed to be, and what they come
// to for a step. Browser-safe.

import type { DataLoader } from "../data/loader.js";
import { ArgumentError } from "../errors.js";
import { crossEntropy } from "../nn/functional.js";
import type { Optimizer } from "../optim/optimizer.js";
import type { EpochRecord, StepRecord } from "./history.js";
import type { EpochSchedule } from "./learning-rate.js";
import type { Loss, StepOptions, TrainStepOptions } from "./steps.js";
import type { TrainingState } from "./training.js";

/** A step, with where the epoch stands after it. */
export interface StepProgress extends StepRecord {
  /** Batches of this epoch so far, and in all. */
  readonly batch: number;
  readonly batches: number;
  /** Training examples of this epoch so far. */
  readonly examples: number;
  /** Over the epoch so far. */
  readonly trainLoss: number;
  readonly trainAcc: number;
  readonly examplesPerSecond: number;
}

export interface FitOptions {
  /** Batches to learn from; the network sees what each loader's `pixels` makes of its images. */
  readonly train: DataLoader;
  /** Batches to choose by after each epoch: the best weights, when to stop, what a schedule hears. */
  readonly val?: DataLoader;
  /** Batches to measure with after each epoch; they decide nothing. */
  readonly test?: DataLoader;
  /** Over the parameters of the network. */
  readonly optimizer: Optimizer;
  readonly epochs: number;
  /**
   * Stepped after every epoch, once the warm-up is over; told the loss of the epoch on `val`, or in
   * training where there is no `val`.
   */
  readonly schedule?: EpochSchedule;
  /**
   * Epochs, also in fractions, over which the learning rate rises step by step to that of the
   * optimizer. Default: 0.
   */
  readonly warmup?: number;
  /** Scales all gradients down where their norm, taken together, is more than this. Default: never. */
  readonly clipGradNorm?: number;
  /** Default: crossEntropy. */
  readonly loss?: Loss;
  /**
   * What of each target is spread over all classes, 0…1, while crossEntropy trains; `val` and `test`
   * are measured without it. Default: 0.
   */
  readonly labelSmoothing?: number;
  /** Ends after `patience` epochs in a row without a new best one on `val`. */
  readonly earlyStopping?: { readonly patience: number };
  /**
   * Leaves the network, in the end, with the weights of its best epoch on `val`, which are kept in
   * memory meanwhile. Default: false, those of its last step.
   */
  readonly restoreBest?: boolean;
  /**
   * Stops after this many steps, tests, and ends as usual. The state that is kept last is that of the last
   * step, so that a training with more of them goes on as if it had never stopped. Default: no limit.
   */
  readonly maxSteps?: number;
  /** Told of every step, in order, about one step late. */
  readonly onStep?: (progress: StepProgress) => void | Promise<void>;
  /** Told of every epoch once it has been tested. */
  readonly onEpoch?: (record: EpochRecord) => void | Promise<void>;
  /** Told of every epoch that is the best so far on `val`, after `onEpoch`: the weights are still its. */
  readonly onBest?: (record: EpochRecord) => void | Promise<void>;
  /**
   * What becomes of a step whose loss or gradients are not finite. "stop": the training ends with a
   * NonFiniteError. A step whose loss is not finite has changed nothing then. Gradients that are not,
   * though the loss is, have spoiled weights (unless `clipGradNorm` looks at them first). Those of biases
   * tell of it at once, as sums of all that comes back to a layer; a weight's that is alone in it shows in
   * the next loss. "skip": the step changes nothing and is left out; after ten in a row the training ends so.
   * All gradients are then kept until the last one is known, which takes memory and time. Values are
   * looked at after each epoch and before each checkpoint in either case. Default: "stop".
   */
  readonly onNonFinite?: "stop" | "skip";
  /** Keeps where the training stands, so that it can go on from there. Default: it is not kept. */
  readonly checkpoint?: CheckpointOptions;
  /** Goes on from a state that `checkpoint` has kept, of a training with the same options. */
  readonly resume?: TrainingState;
  /**
   * Ends the training between two steps, where its state is kept if `checkpoint` says how: `fit` then
   * rejects with the signal's reason.
   */
  readonly signal?: AbortSignal;
}

/** A state is kept after every whole epoch, in between if asked for, and when the signal ends the training. */
export interface CheckpointOptions {
  /** Keeps a state: `(state) => writeCheckpoint("net.checkpoint", state)`. No step runs meanwhile. */
  readonly save: (state: TrainingState) => void | Promise<void>;
  /** Also after every so many steps. Default: no. */
  readonly everySteps?: number;
  /** Also when the last one is so many seconds old. Default: no. */
  readonly everySeconds?: number;
}

/** What a step of the optimizer needs of them. */
export function stepOptions(options: FitOptions): Required<StepOptions> & TrainStepOptions {
  const { loss, labelSmoothing = 0, clipGradNorm, train, onNonFinite = "stop" } = options;
  const smoothed: Loss = (logits, target) => crossEntropy(logits, target, { labelSmoothing });
  return {
    loss: loss ?? (labelSmoothing === 0 ? crossEntropy : smoothed),
    pixels: train.pixels,
    guard: onNonFinite === "stop" ? "halt" : "skip",
    ...(clipGradNorm !== undefined && { clipGradNorm }),
  };
}

/** What measuring on a loader's images needs: the plain loss, without smoothed labels. */
export function measureOptions({ loss }: FitOptions, loader: DataLoader): StepOptions {
  return { loss: loss ?? crossEntropy, pixels: loader.pixels };
}

/** @throws ArgumentError for an option outside its range, or one that lacks another. */
export function checkOptions(options: FitOptions): void {
  const { epochs, maxSteps, earlyStopping, val } = options;
  const { warmup = 0, labelSmoothing = 0, clipGradNorm = 1 } = options;
  const refuse = (problem: string) => {
    throw new ArgumentError("fit", problem);
  };
  const whole = (option: string, value: number | undefined) => {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
      refuse(`${option} must be a whole number, at least 1; got ${value}`);
    }
  };
  whole("epochs", epochs);
  whole("maxSteps", maxSteps);
  whole("earlyStopping.patience", earlyStopping?.patience);
  whole("checkpoint.everySteps", options.checkpoint?.everySteps);
  const { everySeconds = 1 } = options.checkpoint ?? {};
  if (!(everySeconds > 0)) {
    refuse(`checkpoint.everySeconds must be a number above 0; got ${everySeconds}`);
  }
  const { schedule } = options;
  if (options.checkpoint && schedule && !(schedule.stateDict && schedule.loadStateDict)) {
    refuse("checkpoint needs a schedule with stateDict() and loadStateDict()");
  }
  if (!(warmup >= 0 && warmup <= epochs)) {
    refuse(`warmup must lie between 0 and epochs, ${epochs}; got ${warmup}`);
  }
  if (!(clipGradNorm > 0)) refuse(`clipGradNorm must be a number above 0; got ${clipGradNorm}`);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    refuse(`labelSmoothing must lie between 0 and 1; got ${labelSmoothing}`);
  }
  if (options.loss && labelSmoothing > 0) {
    refuse("labelSmoothing is for crossEntropy; a loss of its own smooths its labels itself");
  }
  if (!val || val.batches === 0) {
    if (earlyStopping) refuse("earlyStopping needs val: batches to judge the epochs by");
    if (options.restoreBest) refuse("restoreBest needs val: batches to judge the epochs by");
    if (options.onBest) refuse("onBest needs val: batches to judge the epochs by");
  }
  if (options.train.batches === 0) refuse("there is nothing to train with");
}
