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
  /**
   * Asked after each step that was started: whether to stop here until all of them are done and told,
   * and `onPause` with them.
   */
  readonly pauseNow?: () => boolean;
  readonly onPause?: () => Promise<void>;
  /** Counts while this runs how long there is nothing to compute. */
  readonly idle?: IdleClock;
}

/** Steps that may be under way: one that runs and one that waits. */
const depth = 2;

/**
 * Runs the step on each batch. Once this has ended, also with an error, no result is told any more; if
 * the signal has ended it, all that was started has been told.
 */
export async function runPipeline(options: PipelineOptions): Promise<void> {
  const { batches, step, onResult, limit = Number.POSITIVE_INFINITY } = options;
  const { signal, pauseNow, onPause, idle = new IdleClock() } = options;
  const running: Promise<StepOutput>[] = [];
  const reading: Promise<void>[] = [];
  let before = Promise.resolve();
  let taken = 0;

  if (limit <= 0) return;
  try {
    for await (const [x, y] of batches) {
      idle.answered();
      if (signal?.aborted) break;
      const run = idle.during(step(x, y));
      const values = run.then(({ loss, correct, finite }) =>
        Promise.all([loss.item(), correct.item(), finite?.item() ?? 1]),
      );
      before = Promise.all([values, before]).then(([[loss, correct, finite]]) =>
        onResult({ loss, correct, examples: y.shape[0]!, finite: finite !== 0 }),
      );
      before.catch(() => {}); // thrown below, where it is awaited
      running.push(run);
      reading.push(before);
      taken++;
      if (running.length >= depth) await running.shift();
      // A value is read behind the step that was already waiting, so its result is a step late.
      if (reading.length > depth + 1) await reading.shift();
      if (pauseNow?.()) {
        await Promise.all(reading.splice(0));
        running.length = 0;
        await onPause?.();
      }
      if (taken >= limit) break;
      idle.asked();
    }
    await Promise.all(reading); // an error that it tells of comes before the signal's
    signal?.throwIfAborted();
  } finally {
    await Promise.allSettled(reading); // whoever listens may put its files away after an error
  }
}

/** Adds up the time in which a batch was asked for while no step was under way, from its making on. */
export class IdleClock {
  #underWay = 0;
  #idleSince = performance.now();
  #askedAt = this.#idleSince;
  #waited = 0;

  /** In seconds, up to the last batch that came. */
  get waited(): number {
    return this.#waited / 1000;
  }

  asked(): void {
    this.#askedAt = performance.now();
  }

  answered(): void {
    if (this.#underWay > 0) return; // nothing can have started since it was asked for
    this.#waited += performance.now() - Math.max(this.#askedAt, this.#idleSince);
  }

  /** Counts a step as under way until it settles. */
  async during<T>(run: Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await run;
    } finally {
      this.#underWay--;
      this.#idleSince = performance.now();
    }
  }
}
