// A profile as tables: the calls that take longest, and totals by kernel and by pass.

import type { Profile } from "../look/profile/profile.js";
import { type ProfiledCall, type Total, totalOf, totals } from "../look/profile/roofline.js";
import { bytes, table } from "./text.js";

export interface ProfileTextOptions {
  readonly title: string;
  readonly batchSize: number;
  /** The share of the time below which calls are taken together. */
  readonly least: number;
}

export function profileAsText(profile: Profile, options: ProfileTextOptions): string[] {
  const { calls, peaks, arenaBytes, stepSeconds, steps } = profile;
  const { title, batchSize, least } = options;
  const sorted = calls.toSorted((a, b) => b.seconds - a.seconds);
  const shown = sorted.filter(({ share }) => share >= least);
  const rest = sorted.slice(shown.length);
  const whole = totalOf(`${calls.length} calls`, calls);
  const rows: Row[] = [
    ...shown.map(rowOfCall),
    ...(rest.length > 0 ? [rowOfTotal(totalOf(`${rest.length} others`, rest))] : []),
    rowOfTotal(whole),
  ];
  const perSecond = batchSize / stepSeconds;
  return [
    title,
    `a step takes ${ms(stepSeconds)} ms (the median of ${steps}): ${perSecond.toFixed(perSecond < 100 ? 1 : 0)} examples/s; ` +
      `its kernels, one by one, ${ms(whole.seconds)} ms; ${bytes(arenaBytes)} of intermediate values`,
    ...(peaks
      ? [
          `the machine's peaks, measured: ${(peaks.flops / 1e9).toFixed(0)} GFLOP/s, ` +
            `${(peaks.bytesPerSecond / 1e9).toFixed(1)} GB/s`,
        ]
      : []),
    "",
    ...tableOf(["layer", "pass", "kernel", "shapes"], rows),
    "",
    ...tableOf(["kernel", "calls"], totals(calls, ({ kernel }) => kernel).map(rowOfGroup)),
    "",
    ...tableOf(
      ["pass", "calls"],
      totals(calls, ({ origin }) => origin?.pass ?? "forward").map(rowOfGroup),
    ),
  ];
}

/** What a row is about, then its figures. */
interface Row {
  readonly words: readonly string[];
  readonly figures: Omit<Total, "name" | "calls"> & { readonly bound?: string };
}

const rowOfTotal = (total: Total): Row => ({ words: ["", "", total.name, ""], figures: total });
const rowOfGroup = (total: Total): Row => ({
  words: [total.name, String(total.calls)],
  figures: total,
});

function rowOfCall(call: ProfiledCall): Row {
  const { origin, kernel, algorithm, shapes, seconds, roof } = call;
  const how = algorithm === "" ? "" : `: ${algorithm}`;
  return {
    words: [origin?.layer ?? "", origin?.pass ?? "", cut(`${kernel}${how}`), cut(shapes)],
    figures: {
      ...call,
      ...(roof && { bound: roof.bound, ofRoof: seconds > 0 ? roof.seconds / seconds : 0 }),
    },
  };
}

interface Column {
  readonly head: string;
  readonly cell: (figures: Row["figures"]) => string;
}

const columns: readonly Column[] = [
  { head: "ms", cell: ({ seconds }) => ms(seconds) },
  { head: "share", cell: ({ share }) => percent(share) },
  { head: "GFLOP/s", cell: ({ gflop, seconds }) => rate(gflop, seconds) },
  {
    head: "done",
    cell: ({ gflop, gflopDone, seconds }) => (gflopDone < gflop ? rate(gflopDone, seconds) : ""),
  },
  { head: "GB/s", cell: ({ bytes: moved, seconds }) => rate(moved / 1e9, seconds) },
  { head: "bound", cell: ({ bound = "" }) => bound },
  { head: "of roof", cell: ({ ofRoof }) => (ofRoof === undefined ? "" : percent(ofRoof)) },
];

/** Without the columns in which nothing stands. */
function tableOf(head: readonly string[], rows: readonly Row[]): string[] {
  const used = columns.filter(({ cell }) => rows.some(({ figures }) => cell(figures) !== ""));
  const numbers = used.flatMap(({ head: name }, i) => (name === "bound" ? [] : [head.length + i]));
  const counts = head.flatMap((name, i) => (name === "calls" ? [i] : []));
  return table(
    [...head, ...used.map((column) => column.head)],
    rows.map(({ words, figures }) => [...words, ...used.map(({ cell }) => cell(figures))]),
    new Set([...counts, ...numbers]),
  );
}

/** Long lists of instructions say little. */
const cut = (text: string) => (text.length > 40 ? `${text.slice(0, 39)}…` : text);
const percent = (share: number) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}%`;
const ms = (seconds: number) =>
  (1000 * seconds).toFixed(seconds < 1e-3 ? 3 : seconds < 0.1 ? 2 : 1);
const rate = (amount: number, seconds: number) =>
  amount > 0 && seconds > 0 ? (amount / seconds).toFixed(1) : "";
