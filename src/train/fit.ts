// Training: epochs of steps and tests, and what came of them. The steps of an epoch are epoch-run.ts's,
// where a training stands training.ts's; files, bars and charts are their own (run-folder.ts, look/, cli/).
// Browser-safe.

import type { DataLoader } from "../data/loader.js";
import type { Network } from "../nn/outputs.js";
import { EpochRun } from "./epoch-run.js";
import { checkOptions, type FitOptions, measureOptions, stepOptions } from "./fit-options.js";
import { type EpochRecord, type History, Running } from "./history.js";
import { LearningRate } from "./learning-rate.js";
import { runPipeline } from "./pipeline.js";
import { Saver } from "./saver.js";
import { type Step, testStep, trainStep } from "./steps.js";
import { Training } from "./training.js";
import { readWeights } from "./values.js";

/**
 * Trains `net` in place, and leaves it in eval mode. The best epoch is the most accurate one on `val`;
 * among equals, that with the least loss.
 *
 * @throws ArgumentError for an option outside its range; ShapeError where the images do not fit the
 *   network; MemoryError before the first step if there is not enough; NonFiniteError at a step whose
 *   loss or gradients are not finite: the network is then as it was before that step, but for what
 *   later ones that were under way have changed if such steps are left out. (Gradients that are not
 *   finite though the loss is have spoiled it; no checkpoint has been made of it.)
 * @example
 * const optimizer = new SGD(net.parameters(), { lr: 0.1 });
 * const { epochs } = await fit(net, { train, test, optimizer, epochs: 10 });
 * console.log(epochs.at(-1)?.testAcc);
 */
export async function fit(net: Network, options: FitOptions): Promise<History> {
  checkOptions(options);
  const { train, val, test, epochs, signal } = options;
  const maxSteps = options.maxSteps ?? Number.POSITIVE_INFINITY;
  const patience = options.earlyStopping?.patience ?? Number.POSITIVE_INFINITY;

  const training = begin(net, options);
  const saver = new Saver(training, options.checkpoint);
  const learn = trainStep(net, options.optimizer, stepOptions(options));
  const onVal = val && testStep(net, measureOptions(options, val));
  const onTest = test && testStep(net, measureOptions(options, test));

  const left = () => training.epoch <= epochs && training.steps.length < maxSteps;
  /** Also where an epoch has been learnt from, and only its test is missing. */
  const goesOn = () => training.batch > 0 || (left() && !training.best.stale(patience));
  try {
    while (goesOn()) {
      const run = new EpochRun(training, learn, saver, options);
      const learnt = await run.run();
      await saver.check();
      // The run that goes on for more steps goes on with the rest of this epoch.
      if (run.isCut) await saver.save();
      const start = performance.now();
      net.eval();
      const validated = await measure(val, onVal, signal);
      const tested = await measure(test, onTest, signal);
      const record: EpochRecord = {
        epoch: training.epoch,
        ...learnt,
        valLoss: validated.loss,
        valAcc: validated.accuracy,
        testLoss: tested.loss,
        testAcc: tested.accuracy,
        seconds: training.times.passed + (performance.now() - start) / 1000,
      };
      await options.onEpoch?.(record);
      if (training.best.add(record)) {
        if (options.restoreBest) training.bestWeights = await readWeights(net);
        await options.onBest?.(record);
      }
      training.rate.epochEnded(training.steps.length, validated.loss ?? learnt.trainLoss);
      training.addPoint(train.batches);
      training.epochEnded(record);
      if (!run.isCut) await saver.save();
    }
  } catch (error) {
    if (signal?.aborted && error === signal.reason) await saver.save();
    throw error;
  } finally {
    for (const step of [learn, onVal, onTest]) step?.dispose();
  }
  net.eval();
  if (training.bestWeights) net.loadStateDict(training.bestWeights);
  const { steps, curve, learnt, best } = training;
  return {
    steps,
    epochs: training.epochs,
    curve,
    best: best.record,
    stoppedEarly: left() && best.stale(patience),
    examplesPerSecond: learnt.examples / learnt.seconds,
  };
}

/** A training at its start, or where it goes on. */
function begin(net: Network, options: FitOptions): Training {
  const { optimizer, schedule, warmup = 0, train, resume, restoreBest = false } = options;
  const rate = new LearningRate(optimizer, schedule, Math.round(warmup * train.batches));
  const training = new Training(net, optimizer, rate);
  if (resume) training.restore(resume, restoreBest);
  return training;
}

/** Loss and accuracy on all batches; null where there are none. */
async function measure(
  loader: DataLoader | undefined,
  step: Step | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly loss: number | null; readonly accuracy: number | null }> {
  if (!loader || !step || loader.batches === 0) return { loss: null, accuracy: null };
  const running = new Running();
  await runPipeline({
    batches: loader.epoch(0),
    step,
    onResult: (result) => running.add(result),
    ...(signal && { signal }),
  });
  return { loss: running.loss, accuracy: running.accuracy };
}
