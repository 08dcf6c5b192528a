// A run's metrics.jsonl, read back: its steps, its epochs, the curve that they
// make, and what they come to. Node only.

import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../errors.js";
import { readFileLimited } from "../formats/files.js";
import { BestEpoch } from "../train/best.js";
import type { EpochRecord, StepRecord } from "../train/history.js";
import { runFiles } from "../train/run-folder.js";
import type { Learning } from "./charts/curves.js";

/** Seven million steps; the longest text that there can be is a little longer. */
const maxBytes = 2 ** 29 - 32;

/** What diverged is no number any more, and JSON has only null for that. */
const measured = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const optional = z.number().nullable().default(null);
const count = z.int().positive();

const stepSchema = z.object({ step: count, epoch: count, loss: measured, lr: measured });
const epochSchema = z.object({
  epoch: count,
  trainLoss: measured,
  trainAcc: measured,
  valLoss: optional,
  valAcc: optional,
  testLoss: optional,
  testAcc: optional,
  lr: measured,
  examplesPerSecond: measured,
  seconds: measured,
  waited: z
    .number()
    .nullable()
    .default(0)
    .transform((value) => value ?? 0),
});

export interface Metrics extends Learning {
  readonly steps: readonly StepRecord[];
  readonly epochs: readonly EpochRecord[];
  /** Whether the last line was cut off, as a run that is killed may leave it; it is left out. */
  readonly cutOff: boolean;
}

/**
 * Reads the metrics.jsonl of a run, also of one that is under way or was killed.
 *
 * @param batches Steps of a whole epoch, where they are known (`batchesOf` its config): a run that has
 *   not got beyond its first epoch does not tell. Default: as many as the longest epoch has.
 * @throws DataError naming the line, if there is no such file or it holds something else.
 * @example (await readMetrics("runs/a")).epochs.at(-1)?.trainLoss; // 1.25
 */
export async function readMetrics(folder: string, batches?: number): Promise<Metrics> {
  const file = join(folder, runFiles.metrics);
  const text = new TextDecoder().decode(await readFileLimited(file, maxBytes));
  const lines = text.split("\n");
  const steps: StepRecord[] = [];
  const epochs: EpochRecord[] = [];
  // A whole file ends with a line break: nothing follows it.
  const rest = lines.pop()!;
  for (const [i, line] of lines.entries()) {
    const json = parsed(line);
    if (json instanceof Object && "step" in json) steps.push(checked(stepSchema, json, file, i));
    else epochs.push(checked(epochSchema, json, file, i));
  }
  return { steps, epochs, curve: curveOf(steps, epochs, batches), cutOff: rest !== "" };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function checked<T>(schema: z.ZodType<T>, json: unknown, file: string, line: number): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new DataError(file, `line ${line + 1} is no record of a step or an epoch`);
}

/** Points of the curve per epoch, as `fit` gives them. */
const pointsPerEpoch = 5;

/**
 * The curve that `fit` drew, as far as the records tell: within an epoch the mean loss of its batches so
 * far, at its end loss and accuracy as they were logged.
 */
function curveOf(
  steps: readonly StepRecord[],
  epochs: readonly EpochRecord[],
  known = 0,
): Metrics["curve"] {
  const byEpoch = new Map<number, number[]>();
  for (const { epoch, loss } of steps) {
    const losses = byEpoch.get(epoch);
    if (losses) losses.push(loss);
    else byEpoch.set(epoch, [loss]);
  }
  const longest = Math.max(0, ...[...byEpoch.values()].map((losses) => losses.length));
  // An epoch that another one follows is whole.
  const batches = byEpoch.size > 1 ? longest : Math.max(longest, known);
  const ended = new Map(epochs.map((record) => [record.epoch, record]));
  return [...byEpoch].flatMap(([epoch, losses]) => {
    const points: Metrics["curve"][number][] = [];
    const fifth = (batch: number) => Math.floor((batch * pointsPerEpoch) / batches);
    let sum = 0;
    for (const [i, loss] of losses.entries()) {
      sum += loss;
      const last = i === losses.length - 1;
      if (fifth(i + 1) === fifth(i) && !last) continue;
      const { trainLoss = sum / (i + 1), trainAcc = null } = (last && ended.get(epoch)) || {};
      points.push({ epoch: epoch - 1 + (i + 1) / batches, trainLoss, trainAcc });
    }
    return points;
  });
}

/**
 * The epoch whose weights a run keeps: the best on the validation part, as `fit` chose it; where there is
 * none, the last.
 */
export function keptEpoch(epochs: readonly EpochRecord[]): EpochRecord | undefined {
  const best = new BestEpoch();
  for (const record of epochs) best.add(record);
  return best.record ?? epochs.at(-1);
}

/** Training examples of all epochs by the time that they took, as `fit` gives it. */
export function rateOf({ steps, epochs }: Pick<Metrics, "steps" | "epochs">): number {
  const batches = new Map<number, number>();
  for (const { epoch } of steps) batches.set(epoch, (batches.get(epoch) ?? 0) + 1);
  // examples are counted in steps: an epoch has so many as the next, unless it was cut short
  let [examples, time] = [0, 0];
  for (const { epoch, examplesPerSecond } of epochs) {
    const count = batches.get(epoch) ?? 1;
    examples += count;
    time += count / examplesPerSecond;
  }
  return examples / time;
}
