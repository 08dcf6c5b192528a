// What a run's checkpoint knows of the run's other files. Data only.

import { z } from "zod";
import { DataError } from "../errors.js";

const schema = z.object({
  /** Of the run (config.ts). */
  fingerprint: z.string(),
  /** How long metrics.jsonl was, in bytes. */
  metrics: z.int().nonnegative(),
  /** TensorBoard's file, and how long it was. */
  events: z.object({
    file: z.string().regex(/^events\.out\.tfevents\.[\w.]+$/),
    bytes: z.int().nonnegative(),
  }),
  /** Whose weights weights.safetensors has. */
  kept: z.enum(["best", "last"]).nullable(),
  /** Whether the checkpoint has these weights too. */
  best: z.boolean().default(false),
});

export type RunNotes = z.infer<typeof schema>;

/** As a checkpoint's file keeps them. */
export const runNotes = (notes: RunNotes) => ({ run: JSON.stringify(notes) });

/** @throws DataError if the checkpoint is none of a run. */
export function readRunNotes(notes: ReadonlyMap<string, string>, file: string): RunNotes {
  try {
    return schema.parse(JSON.parse(notes.get("run") ?? ""));
  } catch {
    throw new DataError(file, "is no checkpoint of a run, or of another version of Fovea");
  }
}
