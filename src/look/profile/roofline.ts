// How fast kernels are beside how fast this machine could be: the roofline (Williams, Waterman and Patterson,
// 2009). Pure arithmetic over what was measured.

import type { Peaks } from "../../backends/backend.js";
import type { ExplainedCall } from "../../plan/explain.js";

/** What no kernel can beat that computes and moves as much. */
export interface Roof {
  /** What takes the machine longer: to compute, or to move what is read and written. */
  readonly bound: "compute" | "memory";
  /** The time that this takes at the machine's peak. */
  readonly seconds: number;
}

/** A kernel call and the median of the times that it took. */
export interface ProfiledCall extends ExplainedCall {
  readonly seconds: number;
  /** Of the time of all calls together. */
  readonly share: number;
  /** undefined where the backend does not know what the machine can do. */
  readonly roof?: Roof;
}

/**
 * Under the roof are the operations that are really done and the bytes that must be moved at least, each once
 * through memory: what lies in a cache may be moved faster, so that small calls can come out above it.
 */
export function roofOf({ gflopDone, bytes }: ExplainedCall, peaks: Peaks): Roof {
  const compute = (1e9 * gflopDone) / peaks.flops;
  const memory = bytes / peaks.bytesPerSecond;
  return compute >= memory
    ? { bound: "compute", seconds: compute }
    : { bound: "memory", seconds: memory };
}

/** `calls` with the median of the times that each took in several runs. */
export function profiled(
  calls: readonly ExplainedCall[],
  runs: readonly (readonly number[])[],
  peaks?: Peaks,
): ProfiledCall[] {
  const medians = calls.map((_, i) => median(runs.map((run) => run[i]!)));
  const total = medians.reduce((a, b) => a + b, 0);
  return calls.map((call, i) => ({
    ...call,
    seconds: medians[i]!,
    share: total > 0 ? medians[i]! / total : 0,
    ...(peaks && { roof: roofOf(call, peaks) }),
  }));
}

/** Several calls taken together. */
export interface Total {
  readonly name: string;
  readonly calls: number;
  readonly seconds: number;
  readonly share: number;
  readonly gflop: number;
  readonly gflopDone: number;
  readonly bytes: number;
  /** The least time that all of them take, over the time that they took. */
  readonly ofRoof?: number;
}

/** Totals of the calls that `nameOf` gives the same name; the one that takes longest first. */
export function totals(
  calls: readonly ProfiledCall[],
  nameOf: (call: ProfiledCall) => string,
): Total[] {
  const groups = new Map<string, ProfiledCall[]>();
  for (const call of calls) {
    const name = nameOf(call);
    groups.set(name, [...(groups.get(name) ?? []), call]);
  }
  return [...groups]
    .map(([name, members]) => totalOf(name, members))
    .sort((a, b) => b.seconds - a.seconds);
}

export function totalOf(name: string, calls: readonly ProfiledCall[]): Total {
  const sum = (pick: (call: ProfiledCall) => number) =>
    calls.reduce((total, call) => total + pick(call), 0);
  const seconds = sum((call) => call.seconds);
  const least = sum((call) => call.roof?.seconds ?? 0);
  return {
    name,
    calls: calls.length,
    seconds,
    share: sum((call) => call.share),
    gflop: sum((call) => call.gflop),
    gflopDone: sum((call) => call.gflopDone),
    bytes: sum((call) => call.bytes),
    ...(calls.some((call) => call.roof) && { ofRoof: seconds > 0 ? least / seconds : 0 }),
  };
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2;
}
