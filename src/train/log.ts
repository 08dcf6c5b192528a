// The lines of a run's metrics.jsonl, one for each step and epoch, and the log that a checkpoint knows: all
// of it, so that a log that was lost or edited is written anew. Node only.

import { allocate, exists, readAt, withFile, writeFileAtomic } from "../formats/files.js";
import type { EpochRecord, StepRecord } from "./history.js";

export const stepLine = ({ step, epoch, loss, lr, skipped }: StepRecord): string =>
  line({ step, epoch, loss, lr, ...(skipped && { skipped }) });

export function epochLine(record: EpochRecord): string {
  const { epoch, trainLoss, trainAcc, valLoss, valAcc, testLoss, testAcc, lr } = record;
  const { examplesPerSecond, seconds, waited } = record;
  const scores = { trainLoss, trainAcc, valLoss, valAcc, testLoss, testAcc };
  return line({ epoch, ...scores, lr, examplesPerSecond, seconds, waited });
}

/** Three million steps: a longer log is not held in memory, and must be as it was. */
const maxRestored = 2 ** 28;

/**
 * Writes a log anew of which a checkpoint counts on other bytes; what follows these is left for others to cut off.
 *
 * @param bytes How long it was by then.
 * @returns What was wrong with it; undefined if it stays.
 * @throws DataError if it cannot be read or written.
 */
export async function restoreLog(
  file: string,
  steps: readonly StepRecord[],
  epochs: readonly EpochRecord[],
  bytes: number,
): Promise<string | undefined> {
  if (bytes > maxRestored) return undefined;
  const log = allocate(file, bytes);
  let length = 0;
  for (const text of logLines(steps, epochs)) {
    const line = Buffer.from(text);
    // of a version that logged something else, or of somebody who means ill
    if (length + line.length > bytes) return undefined;
    log.set(line, length);
    length += line.length;
  }
  if (length < bytes) return undefined;
  const there = await exists(file);
  if (there && (await beginsWith(file, log))) return undefined;
  await writeFileAtomic(file, [log]);
  return there ? "is not as it was" : "is missing";
}

const beginsWith = (file: string, log: Uint8Array): Promise<boolean> =>
  withFile(file, async (handle, size) => {
    if (size < log.length) return false;
    const bytes = allocate(file, log.length);
    await readAt(file, handle, bytes, 0);
    return Buffer.compare(log, bytes) === 0;
  });

/** What is logged by the time that so much is done: each epoch's line follows those of its steps. */
function* logLines(
  steps: readonly StepRecord[],
  epochs: readonly EpochRecord[],
): Generator<string> {
  let done = 0;
  for (const step of steps) {
    for (; (epochs[done]?.epoch ?? step.epoch) < step.epoch; done++) yield epochLine(epochs[done]!);
    yield stepLine(step);
  }
  for (const epoch of epochs.slice(done)) yield epochLine(epoch);
}

const line = (record: object) => `${JSON.stringify(record)}\n`;
