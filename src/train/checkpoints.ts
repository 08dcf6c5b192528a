// The checkpoints of a run: the last two, in two files that take turns, so that a whole one is there at
// any moment, also while the next is written. Node only. What is in one is checkpoint.ts's.

import { join } from "node:path";
import { DataError } from "../errors.js";
import { exists, type FileOperations, fileError, nodeFiles } from "../formats/files.js";
import { type Notes, readCheckpointFile, readNotes, writeCheckpoint } from "./checkpoint.js";
import type { TrainingState } from "./training.js";

export const checkpointFiles = ["checkpoint-1.safetensors", "checkpoint-2.safetensors"] as const;

/** A checkpoint as it was found. */
export interface FoundCheckpoint {
  readonly file: string;
  readonly state: TrainingState;
  readonly notes: ReadonlyMap<string, string>;
}

export class Checkpoints {
  /** How many have been written; the last one is in the file that this says. */
  #number = 0;

  constructor(
    readonly folder: string,
    private readonly files: FileOperations = nodeFiles,
  ) {}

  /** Writes a state over the older of the two. */
  async save(state: TrainingState, notes: Notes): Promise<void> {
    const number = this.#number + 1;
    await writeCheckpoint(this.#file(number), state, {
      notes: { ...notes, number: String(number) },
      files: this.files,
    });
    this.#number = number;
  }

  /**
   * Reads the last one that is whole, after which the next is counted.
   *
   * @param warn Told of one that is damaged.
   * @returns undefined where there is none at all.
   * @throws DataError if all that there are are damaged.
   */
  async load(warn: (problem: string) => void): Promise<FoundCheckpoint | undefined> {
    const found: { file: string; number: number }[] = [];
    const damaged: DataError[] = [];
    const failed = (error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      damaged.push(error);
    };
    for (const name of checkpointFiles) {
      const file = join(this.folder, name);
      if (!(await exists(file))) continue;
      const notes = await readNotes(file).catch(failed);
      if (notes) found.push({ file, number: Number(notes.get("number")) || 0 });
    }
    for (const { file, number } of found.sort((a, b) => b.number - a.number)) {
      const read = await readCheckpointFile(file).catch(failed);
      if (!read) continue;
      this.#number = number;
      for (const error of damaged) warn(`${error.message}; going on from ${file}`);
      return { file, ...read };
    }
    if (damaged.length === 0) return undefined;
    throw new DataError(
      this.folder,
      `has no checkpoint that is whole: ${damaged.map(({ message }) => message).join("; ")}`,
    );
  }

  /** Leaves the last one only. */
  async removeOlder(): Promise<void> {
    const older = this.#file(this.#number - 1);
    if (this.#number === 0 || !(await exists(older))) return;
    await this.files.unlink(older).catch((error: unknown) => {
      throw fileError(older, "written", error);
    });
  }

  #file(number: number): string {
    return join(this.folder, checkpointFiles[Math.abs(number - 1) % 2]!);
  }
}
