// A plan as a table: what runs, in which order, how much work and memory each call is, and, when it
// has been profiled, how long each took.

import type { KernelCall, Origin } from "../backends/kernels.js";
import { algorithmOf, bytesOf, flopsDone, flopsOf, shapesOf } from "./cost.js";
import type { Plan } from "./plan.js";

export interface ExplainedCall {
  readonly kernel: KernelCall["kernel"];
  /** The layer that it is for, and which pass over it; undefined where nothing is known of it. */
  readonly origin?: Origin;
  readonly algorithm: string;
  readonly shapes: string;
  /** Of a convolution, as if it were computed directly. */
  readonly gflop: number;
  /** What is really computed: less where an algorithm saves multiplications. */
  readonly gflopDone: number;
  readonly bytes: number;
  readonly seconds?: number;
}

/** One row for each kernel call, in order. */
export function explainCalls(plan: Plan, seconds?: Float64Array): ExplainedCall[] {
  return plan.program.calls.map((call, i) => ({
    kernel: call.kernel,
    ...(call.origin && { origin: call.origin }),
    algorithm: algorithmOf(call),
    shapes: shapesOf(call),
    gflop: flopsOf(call) / 1e9,
    gflopDone: flopsDone(call) / 1e9,
    bytes: bytesOf(call),
    ...(seconds && { seconds: seconds[i]! }),
  }));
}

/** The table as text, with totals and the memory that the plan needs. */
export function explain(plan: Plan, seconds?: Float64Array): string {
  const calls = explainCalls(plan, seconds);
  const header = [
    "#",
    "kernel",
    "algorithm",
    "shapes",
    "GFLOP",
    "MB",
    ...(seconds ? ["ms", "GFLOP/s"] : []),
  ];
  const rows = calls.map((c, i) => [
    String(i + 1),
    c.kernel,
    c.algorithm,
    c.shapes,
    c.gflop.toFixed(3),
    (c.bytes / 1e6).toFixed(2),
    ...(c.seconds === undefined
      ? []
      : [(c.seconds * 1e3).toFixed(3), c.seconds > 0 ? (c.gflop / c.seconds).toFixed(1) : ""]),
  ]);
  const sum = (pick: (c: ExplainedCall) => number) =>
    calls.reduce((total, c) => total + pick(c), 0);
  const total = sum((c) => c.seconds ?? 0);
  const totals = [
    "",
    `${calls.length} calls`,
    "",
    "",
    sum((c) => c.gflop).toFixed(3),
    (sum((c) => c.bytes) / 1e6).toFixed(2),
    ...(seconds ? [(total * 1e3).toFixed(3), (sum((c) => c.gflop) / total).toFixed(1)] : []),
  ];
  const { arenaBytes } = plan.program;
  const states = plan.states.reduce(
    (bytes, state) => bytes + 4 * state.shape.reduce((a, b) => a * b, 1),
    0,
  );
  return `${table([header, ...rows, totals])}\narena ${megabytes(arenaBytes)}, parameters and optimizer state ${megabytes(states)}`;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Columns as wide as their widest cell; numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  const right = (c: number) => c === 0 || c >= 4;
  return rows
    .map((row) =>
      row
        .map((cell, c) => (right(c) ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
