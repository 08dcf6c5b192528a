// Feeds batches to a compiled step so that the engine always has the next one: while one step runs,
// another waits behind it, and results are read as they come. It knows nothing of epochs.

import type { Tensor } from "../tensor.js";
import type { BatchResult } from "./history.js";
import type { StepOutput } from "./steps.js";

export interface PipelineOptions {
  readonly batches: AsyncIterable<readonly [x: Tensor, y: Tensor]>;
  readonly step: (x: Tensor, y: Tensor) => Promise<StepOutput>;
  /** Told every result, in order. An error that it throws ends everything. */
  readonly onResult: (result: BatchResult) => void | Promise<void>;
  /** Batches to take at most. Default: all. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** Steps that may be under way: one that runs and one that waits. */
const depth = 2;

/** Runs the step on each batch. Once this has ended, also with an error, no result is told any more. */
export async function runPipeline(options: PipelineOptions): Promise<void> {
  const { batches, step, onResult, limit = Number.POSITIVE_INFINITY, signal } = options;
  const running: Promise<StepOutput>[] = [];
  const reading: Promise<void>[] = [];
  let before = Promise.resolve();
  let taken = 0;

  try {
    for await (const [x, y] of batches) {
      signal?.throwIfAborted();
      const run = step(x, y);
      const values = run.then(({ loss, correct }) => Promise.all([loss.item(), correct.item()]));
      before = Promise.all([values, before]).then(([[loss, correct]]) =>
        onResult({ loss, correct, examples: y.shape[0]! }),
      );
      before.catch(() => {}); // thrown below, where it is awaited
      running.push(run);
      reading.push(before);
      taken++;
      if (running.length >= depth) await running.shift();
      // A value is read behind the step that was already waiting, so its result is a step late.
      if (reading.length > depth + 1) await reading.shift();
      if (taken >= limit) break;
    }
    await Promise.all(reading);
  } finally {
    await Promise.allSettled(reading); // whoever listens may put its files away after an error
  }
}
