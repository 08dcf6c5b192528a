// Measures every kernel call of a network's step. Which step that is, and on which backend, is the caller's
// choice; what becomes of the figures is told in trace.ts and the command line.

import type { Backend, Peaks } from "../../backends/backend.js";
import type { Compiled, PlanReport } from "../../compile.js";
import type { Tensor } from "../../tensor.js";
import { median, type ProfiledCall, profiled } from "./roofline.js";

export interface Profile {
  /** Median time of a whole step, not measured call by call. */
  readonly stepSeconds: number;
  /** Steps that were measured. */
  readonly steps: number;
  /** What the machine can do, where the backend knows. */
  readonly peaks?: Peaks;
  /** Memory for intermediate values. */
  readonly arenaBytes: number;
  /** In the order in which they run. */
  readonly calls: readonly ProfiledCall[];
}

/**
 * Runs `step` with these arguments, in turn as a whole and call by call, `steps` times each after a first time
 * that is not counted. (A training step trains.)
 */
export async function profileStep<A extends Tensor[], R>(
  step: Compiled<A, R>,
  args: A,
  { backend, steps }: { readonly backend: Backend; readonly steps: number },
): Promise<Profile> {
  await step(...args);
  let report: PlanReport = await step.profile(...args);
  const peaks = await backend.measurePeaks?.();
  const whole: number[] = [];
  const runs: number[][] = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    await step(...args);
    whole.push((performance.now() - start) / 1000);
    report = await step.profile(...args);
    runs.push(report.calls.map((call) => call.seconds!));
  }
  return {
    stepSeconds: median(whole),
    steps,
    ...(peaks && { peaks }),
    arenaBytes: report.arenaBytes,
    calls: profiled(report.calls, runs, peaks),
  };
}
