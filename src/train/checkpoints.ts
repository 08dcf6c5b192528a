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

export interface LoadedCheckpoint {
  readonly found?: FoundCheckpoint;
  readonly refused: readonly DataError[];
}

/** A checkpoint that is whole, and of no use to the run whose folder it is in. */
export class OtherRunError extends DataError {
  constructor(file: string) {
    super(file, "is of another run, or of other settings or images than this one now has");
  }
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
   * Reads the last one that is whole and of this run, after which the next is counted.
   *
   * @returns None where there is none; and what was refused on the way to it, as errors.
   */
  async load(isOwn: (found: FoundCheckpoint) => boolean): Promise<LoadedCheckpoint> {
    const there: { file: string; number: number }[] = [];
    const refused: DataError[] = [];
    const refuse = (error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      refused.push(error);
    };
    for (const name of checkpointFiles) {
      const file = join(this.folder, name);
      if (!(await exists(file))) continue;
      const notes = await readNotes(file).catch(refuse);
      if (notes) there.push({ file, number: Number(notes.get("number")) || 0 });
    }
    for (const { file, number } of there.sort((a, b) => b.number - a.number)) {
      try {
        const found = { file, ...(await readCheckpointFile(file)) };
        if (!isOwn(found)) throw new OtherRunError(file);
        this.#number = number;
        return { found, refused };
      } catch (error) {
        refuse(error);
      }
    }
    return { refused };
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
