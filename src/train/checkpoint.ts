// The state of a training in one file, which knows whether it is whole. Node only. The file is a
// safetensors file: tensors of the network ("network."), of the optimizer ("optimizer.") and of the best
// epoch ("best."), the steps so far as columns ("steps."), and the rest as JSON in its metadata, with
// the SHA-256 of all its bytes. Which files a run has, and when they are written, is checkpoints.ts's.

import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import { DataError } from "../errors.js";
import { type FileOperations, readAt, withFile, writeFileAtomic } from "../formats/files.js";
import { printable } from "../formats/quote.js";
import { encodeSafetensors, type SafetensorsSource } from "../formats/safetensors.js";
import { readSafetensors, readSafetensorsHeader } from "../formats/safetensors-file.js";
import type { StepRecord } from "./history.js";
import type { Progress, TrainingState } from "./training.js";
import type { Weights } from "./values.js";

/** What the metadata's `format` says of such a file. */
const format = "fovea checkpoint 1";
/** How the metadata has the checksum; while it is computed, zeros stand in its place. */
const checksumKey = '"sha256":"';
const noChecksum = "0".repeat(64);
/** Read at once. */
const pieceBytes = 16 * 1024 * 1024;

/** What is kept beside a state, as text by name. */
export type Notes = Readonly<Record<string, string>>;

export interface WriteCheckpointOptions {
  readonly notes?: Notes;
  /** Default: the system's. */
  readonly files?: FileOperations;
}

/**
 * Writes the state of a training to a file, whole or not at all.
 *
 * @throws DataError if it cannot be written; what was there before is as it was, then.
 * @example
 * const file = "lenet.checkpoint.safetensors";
 * const checkpoint = { save: (state) => writeCheckpoint(file, state), everySeconds: 600 };
 * await fit(net, { train, optimizer, epochs: 1, checkpoint });
 */
export async function writeCheckpoint(
  file: string,
  state: TrainingState,
  { notes = {}, files }: WriteCheckpointOptions = {},
): Promise<void> {
  const { progress, weights, optimizer, best } = state;
  const { steps, ...rest } = progress;
  const tensors = [
    ...prefixed("network", weights),
    ...prefixed("optimizer", optimizer),
    ...(best ? prefixed("best", best) : []),
    ...prefixed("steps", columns(steps)),
  ];
  const json = JSON.stringify(rest, (_, value) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
  const metadata = { ...notes, format, progress: json, sha256: noChecksum };
  const [header, ...chunks] = encodeSafetensors(tensors, metadata);
  const hash = createHash("sha256").update(header!);
  for (const chunk of chunks) hash.update(chunk);
  const at = checksumAt(header!, file);
  header!.set(Buffer.from(hash.digest("hex")), at);
  await writeFileAtomic(file, [header!, ...chunks], files);
}

/**
 * Reads the state of a training.
 *
 * @throws DataError if the file is missing, damaged by as much as a bit, or something else.
 * @example
 * const file = "lenet.checkpoint.safetensors";
 * const save = (state) => writeCheckpoint(file, state);
 * await fit(net, { train, optimizer, epochs: 1, checkpoint: { save } });
 * // another day
 * await fit(net, { train, optimizer, epochs: 2, checkpoint: { save }, resume: await readCheckpoint(file) });
 */
export async function readCheckpoint(file: string): Promise<TrainingState> {
  return (await readCheckpointFile(file)).state;
}

/** As `readCheckpoint`, with the notes. */
export async function readCheckpointFile(
  file: string,
): Promise<{ readonly state: TrainingState; readonly notes: ReadonlyMap<string, string> }> {
  const notes = await readNotes(file);
  await verify(file);
  const entries = await readSafetensors(file);
  const part = (prefix: string): Map<string, SafetensorsSource> => {
    const found = new Map<string, SafetensorsSource>();
    for (const [name, { shape, dtype, data }] of entries) {
      if (!name.startsWith(`${prefix}.`)) continue;
      if (dtype === "i64") throw new DataError(file, `is no checkpoint: "${name}" is i64`);
      found.set(name.slice(prefix.length + 1), { shape, data });
    }
    return found;
  };
  const best = part("best");
  return {
    notes,
    state: {
      progress: { ...progressOf(notes, file), steps: rows(part("steps"), file) },
      weights: part("network"),
      optimizer: part("optimizer"),
      ...(best.size > 0 && { best }),
    },
  };
}

/** What its header says, which may be damaged in a way that is not noticed. */
export async function readNotes(file: string): Promise<ReadonlyMap<string, string>> {
  const { metadata } = await readSafetensorsHeader(file);
  if (metadata.get("format") === format) return metadata;
  throw new DataError(file, "is no checkpoint of a training");
}

const prefixed = (prefix: string, weights: Weights) =>
  Array.from(weights, ([name, value]) => [`${prefix}.${name}`, value] as const);

// ---------------------------------------------------------------- the checksum

/** Where the checksum is in a header. Text within the metadata cannot look like it: its quotes are escaped. */
function checksumAt(header: Uint8Array, file: string): number {
  const at = Buffer.from(header.buffer, header.byteOffset, header.length).indexOf(checksumKey);
  if (at < 0) throw new DataError(file, "is no checkpoint of a training: it has no checksum");
  return at + checksumKey.length;
}

async function verify(file: string): Promise<void> {
  await withFile(file, async (handle, size) => {
    const start = new Uint8Array(8);
    await readAt(file, handle, start, 0);
    const header = new Uint8Array(8 + Number(new DataView(start.buffer).getBigUint64(0, true)));
    await readAt(file, handle, header, 0);
    const at = checksumAt(header, file);
    const stored = Buffer.from(header.slice(at, at + noChecksum.length)).toString("latin1");
    header.set(Buffer.from(noChecksum), at);
    const hash = createHash("sha256").update(header);
    await hashFrom(file, handle, hash, header.length, size);
    if (hash.digest("hex") === stored) return;
    throw new DataError(file, "is damaged: its checksum is not that of its content");
  });
}

async function hashFrom(file: string, handle: FileHandle, hash: Hash, from: number, to: number) {
  const piece = new Uint8Array(Math.min(pieceBytes, to - from));
  for (let at = from; at < to; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, to - at));
    await readAt(file, handle, part, at);
    hash.update(part);
  }
}

// ---------------------------------------------------------------- what is no tensor

/** More, as records, would take all memory. As many of LeNet take days. */
const maxSteps = 2 ** 24;

/** Steps as columns: JSON of a million of them would not fit into a header. */
function columns(steps: readonly StepRecord[]): Weights {
  const shape = [steps.length];
  const rates = Float64Array.from(steps, ({ lr }) => lr);
  return new Map<string, SafetensorsSource>([
    ["epoch", { shape, data: Int32Array.from(steps, ({ epoch }) => epoch) }],
    ["loss", { shape, data: Float32Array.from(steps, ({ loss }) => loss) }],
    // f64, which the format's writer has no need of elsewhere
    ["lr", { shape: [steps.length, 8], data: new Uint8Array(rates.buffer) }],
    ["skipped", { shape, data: Uint8Array.from(steps, ({ skipped }) => Number(skipped ?? false)) }],
  ]);
}

function rows(columns: Weights, file: string): StepRecord[] {
  const column = (name: string) => {
    const found = columns.get(name);
    if (found) return found.data;
    throw new DataError(file, `is no checkpoint of a training: it lacks "steps.${name}"`);
  };
  const [epochs, losses, skipped] = [column("epoch"), column("loss"), column("skipped")];
  const bytes = column("lr");
  if (epochs.length > maxSteps) {
    throw new DataError(file, `has ${epochs.length} steps; expected at most ${maxSteps}`);
  }
  if ([losses.length, skipped.length, bytes.length / 8].some((n) => n !== epochs.length)) {
    throw new DataError(file, "is no checkpoint of a training: its steps have several lengths");
  }
  const rates = new Float64Array(Uint8Array.from(bytes).buffer);
  return Array.from(epochs, (epoch, i) => ({
    step: i + 1,
    epoch,
    loss: losses[i]!,
    lr: rates[i]!,
    ...(skipped[i] === 1 && { skipped: true as const }),
  }));
}

const number = z.union([
  z.number(),
  z.enum(["NaN", "Infinity", "-Infinity"]).transform((text) => Number(text)),
]);
const count = z.int().nonnegative();
const measured = number.nullable();

/** A list of which the first wrong item is the only problem: each has words, and there may be millions. */
const listOf = <T>(item: z.ZodType<T>) =>
  z.array(z.unknown()).transform((items, context): T[] => {
    const read: T[] = [];
    for (const [i, value] of items.entries()) {
      const { success, data } = item.safeParse(value);
      if (!success) {
        context.addIssue({ code: "custom", message: `Invalid input: item ${i} is none of these` });
        return z.NEVER;
      }
      read.push(data);
    }
    return read;
  });

const epochRecord = z.object({
  epoch: count,
  trainLoss: number,
  trainAcc: number,
  valLoss: measured,
  valAcc: measured,
  testLoss: measured,
  testAcc: measured,
  lr: number,
  examplesPerSecond: number,
  seconds: number,
  waited: number,
});

const schema = z.object({
  epoch: z.int().positive(),
  batch: count,
  sums: z.object({ loss: number, correct: count, examples: count }),
  clock: z.object({ learning: number, passed: number, waited: number }),
  learnt: z.object({ examples: count, seconds: number }),
  epochs: listOf(epochRecord),
  curve: listOf(z.object({ epoch: number, trainLoss: number, trainAcc: number })),
  best: z.object({ record: epochRecord.nullable(), since: count }),
  rate: z.object({ target: number, lr: number, schedule: z.looseObject({}).nullable() }),
  random: z.object({ seed: z.int(), step: count }),
}) satisfies z.ZodType<Omit<Progress, "steps">>;

function progressOf(notes: ReadonlyMap<string, string>, file: string): Omit<Progress, "steps"> {
  try {
    return schema.parse(JSON.parse(notes.get("progress") ?? ""));
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new DataError(file, `is no checkpoint of a training: ${printable(problem)}`);
  }
}
