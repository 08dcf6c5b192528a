// A profile in the Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing open: one step,
// a track for each pass. See "Trace Event Format" of the Catapult project.

import type { Profile } from "./profile.js";
import type { ProfiledCall } from "./roofline.js";

/** From top to bottom. */
const tracks = ["forward", "backward", "update"] as const;

interface TraceEvent {
  readonly name: string;
  /** X: has a duration. M: says something of a track or a process. */
  readonly ph: "X" | "M";
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** The text of a trace file. Calls follow each other without a gap, each as long as its median. */
export function traceOf({ calls }: Profile, title: string): string {
  const events: TraceEvent[] = [
    { name: "process_name", ph: "M", pid: 1, tid: 0, args: { name: title } },
    ...tracks.flatMap((name, tid): TraceEvent[] => [
      { name: "thread_name", ph: "M", pid: 1, tid, args: { name } },
      { name: "thread_sort_index", ph: "M", pid: 1, tid, args: { sort_index: tid } },
    ]),
  ];
  let at = 0;
  for (const call of calls) {
    const tid = Math.max(0, tracks.indexOf(call.origin?.pass ?? "forward"));
    events.push({
      name: nameOf(call),
      cat: call.kernel,
      ph: "X",
      ts: microseconds(at),
      dur: microseconds(call.seconds),
      pid: 1,
      tid,
      args: factsOf(call),
    });
    at += call.seconds;
  }
  const lines = events.map((event) => JSON.stringify(event));
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(",\n")}\n]}\n`;
}

const nameOf = ({ kernel, origin }: ProfiledCall) =>
  origin?.layer ? `${origin.layer} ${kernel}` : kernel;

/** What is shown of a call that is clicked on. */
function factsOf(call: ProfiledCall): Record<string, unknown> {
  const { algorithm, shapes, gflop, gflopDone, bytes, seconds, roof } = call;
  const rate = (amount: number) => (seconds > 0 ? round(amount / seconds) : 0);
  return {
    ...(algorithm !== "" && { algorithm }),
    shapes,
    GFLOP: round(gflop),
    "GFLOP/s": rate(gflop),
    ...(gflopDone !== gflop && { "GFLOP done": round(gflopDone) }),
    MB: round(bytes / 1e6),
    "GB/s": rate(bytes / 1e9),
    ...(roof && {
      bound: roof.bound,
      "% of roof": seconds > 0 ? round((100 * roof.seconds) / seconds) : 0,
    }),
  };
}

/** Nanoseconds are the finest that there is. */
const microseconds = (seconds: number) => Math.round(seconds * 1e9) / 1e3;
const round = (value: number) => Number(value.toPrecision(4));
