// Training: epochs of steps and tests, and what came of them. How batches reach the engine is
// pipeline.ts's, where a training stands training.ts's; files, bars and charts are their own
// (run-folder.ts, look/, cli/). Browser-safe.

import type { DataLoader } from "../data/loader.js";
import type { Network } from "../nn/outputs.js";
import { randomState } from "../runtime.js";
import type { Tensor } from "../tensor.js";
import { diagnose } from "./diagnose.js";
import { checkOptions, type FitOptions, measureOptions, stepOptions } from "./fit-options.js";
import {
  type BatchResult,
  type EpochRecord,
  type History,
  Running,
  type StepRecord,
} from "./history.js";
import { LearningRate } from "./learning-rate.js";
import { NonFiniteError } from "./non-finite.js";
import { type PipelineTimes, runPipeline } from "./pipeline.js";
import { Saver } from "./saver.js";
import { type Step, testStep, trainStep } from "./steps.js";
import { Training } from "./training.js";
import { readWeights } from "./values.js";

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

/**
 * Trains `net` in place, and leaves it in eval mode. The best epoch is the most accurate one on `val`;
 * among equals, that with the least loss.
 *
 * @throws ArgumentError for an option outside its range; ShapeError where the images do not fit the
 *   network; MemoryError before the first step if there is not enough; NonFiniteError at a step whose
 *   loss or gradients are not finite: the network is then as it was before that step, but for what
 *   later ones that were under way have changed if such steps are left out. (What the update before it
 *   has spoiled, because its gradients were not finite, it still is; no checkpoint has been made of it.)
 * @example
 * const optimizer = new SGD(net.parameters(), { lr: 0.1 });
 * const { epochs } = await fit(net, { train, test, optimizer, epochs: 10 });
 * console.log(epochs.at(-1)?.testAcc);
 */
export async function fit(net: Network, options: FitOptions): Promise<History> {
  checkOptions(options);
  const { train, val, test, optimizer, epochs, signal } = options;
  const maxSteps = options.maxSteps ?? Number.POSITIVE_INFINITY;
  const patience = options.earlyStopping?.patience ?? Number.POSITIVE_INFINITY;

  const rate = new LearningRate(
    optimizer,
    options.schedule,
    Math.round((options.warmup ?? 0) * train.batches),
  );
  const training = new Training(net, optimizer, rate);
  if (options.resume) training.restore(options.resume);
  const saver = new Saver(training, options.checkpoint);
  const { steps, curve } = training;

  const learn = trainStep(net, optimizer, stepOptions(options));
  const onVal = val && testStep(net, measureOptions(options, val));
  const onTest = test && testStep(net, measureOptions(options, test));
  const aborts = signal ? { signal } : {};

  const trainEpoch = async () => {
    const { epoch, batch: startBatch, clock } = training;
    const batches = Math.min(train.batches, maxSteps - (steps.length - startBatch));
    const fifth = (batch: number) => Math.floor((batch * pointsPerEpoch) / train.batches);
    const began = performance.now();
    const secondsSince = (start: number) => (performance.now() - start) / 1000;
    const underWay: Started[] = [];
    let start = Number.NaN;

    const onResult = async (result: BatchResult) => {
      const { x, y, lr, random } = underWay.shift()!;
      const step = steps.length + 1;
      const { loss, finite } = result;
      const skips = !finite && options.onNonFinite === "skip";
      training.clock = { ...training.clock, learning: clock.learning + secondsSince(start) };
      const { running } = training;
      if (finite) running.add(result);
      const batch = ++training.batch;
      const record = { step, epoch, loss, lr, ...(skips && { skipped: true as const }) };
      steps.push(record);
      const sums = { trainLoss: running.loss, trainAcc: running.accuracy };
      if (fifth(batch) > fifth(batch - 1) || batch === batches) {
        curve.push({ epoch: epoch - 1 + batch / train.batches, ...sums });
      }
      const { examples } = running;
      const examplesPerSecond = examples / training.clock.learning;
      await options.onStep?.({ ...record, batch, batches, examples, ...sums, examplesPerSecond });
      if (finite || (skips && skippedInARow(steps) < hopeless)) return;
      const skipped = skippedInARow(steps.slice(0, -1));
      const updates = [saver.unseen, step - 1 - skipped] as const;
      const finding = await diagnose(net, { x, y, random, updates, ...stepOptions(options) });
      throw new NonFiniteError({ step, epoch, loss, finding, skipped });
    };

    net.train();
    const settled = (times?: PipelineTimes) => {
      training.settled();
      training.clock = {
        ...training.clock,
        passed: clock.passed + secondsSince(began),
        ...(times && {
          feeding: clock.feeding + times.seconds,
          waited: clock.waited + times.waited,
        }),
      };
    };
    const started = () => steps.length + underWay.length;
    try {
      const times = await runPipeline({
        batches: train.epoch(epoch - 1, { startBatch }),
        limit: batches - startBatch,
        ...aborts,
        step: (x, y) => {
          if (Number.isNaN(start)) start = performance.now();
          const lr = rate.at(started() + 1);
          underWay.push({ x, y, lr, random: randomState() });
          return learn(x, y);
        },
        onResult,
        pauseNow: () => saver.due(started()),
        onPause: (times) => {
          settled(times);
          return saver.save();
        },
      });
      settled(times);
    } catch (error) {
      if (signal?.aborted && error === signal.reason) settled();
      throw error;
    }
    const { running } = training;
    const { learning, feeding, waited } = training.clock;
    return {
      trainLoss: running.loss,
      trainAcc: running.accuracy,
      lr: steps.at(-1)!.lr,
      examplesPerSecond: running.examples / learning,
      waited: waited / feeding,
    };
  };

  /** Loss and accuracy on all batches; null where there are none. */
  const measured = async (loader: DataLoader | undefined, step: Step | undefined) => {
    if (!loader || !step || loader.batches === 0) return { loss: null, accuracy: null };
    const running = new Running();
    await runPipeline({
      batches: loader.epoch(0),
      ...aborts,
      step,
      onResult: (result) => running.add(result),
    });
    return { loss: running.loss, accuracy: running.accuracy };
  };

  const left = () => training.epoch <= epochs && steps.length < maxSteps;
  /** Also where an epoch has been learnt from, and only its test is missing. */
  const goesOn = () => training.batch > 0 || (left() && !training.best.stale(patience));
  try {
    while (goesOn()) {
      const trained = await trainEpoch();
      await saver.check();
      const start = performance.now();
      net.eval();
      const validated = await measured(val, onVal);
      const tested = await measured(test, onTest);
      const record: EpochRecord = {
        epoch: training.epoch,
        ...trained,
        valLoss: validated.loss,
        valAcc: validated.accuracy,
        testLoss: tested.loss,
        testAcc: tested.accuracy,
        seconds: training.clock.passed + (performance.now() - start) / 1000,
      };
      await options.onEpoch?.(record);
      if (training.best.add(record)) {
        if (options.restoreBest) training.bestWeights = await readWeights(net);
        await options.onBest?.(record);
      }
      rate.epochEnded(steps.length, validated.loss ?? trained.trainLoss);
      training.epochEnded(record);
      await saver.save();
    }
  } catch (error) {
    if (signal?.aborted && error === signal.reason) await saver.save();
    throw error;
  } finally {
    for (const step of [learn, onVal, onTest]) step?.dispose();
  }
  net.eval();
  if (training.bestWeights) net.loadStateDict(training.bestWeights);
  const { learnt, best } = training;
  return {
    steps,
    epochs: training.epochs,
    curve,
    best: best.record,
    stoppedEarly: left() && best.stale(patience),
    examplesPerSecond: learnt.examples / learnt.seconds,
  };
}
