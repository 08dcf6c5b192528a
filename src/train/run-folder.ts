// A run's folder: config.json, metrics.jsonl, weights, checkpoints, TensorBoard's events and what else is
// made of a run. Node only. Each file is whole at any moment: metrics and events grow by whole records,
// the others appear at once; and only one process writes. What is in them is decided elsewhere
// (history.ts, tensorboard.ts, look/, formats/).

import { rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type FileOperations, fileError, writeFileAtomic } from "../formats/files.js";
import type { EpochRecord, StepRecord } from "./history.js";
import { epochLine, stepLine } from "./log.js";
import {
  type OpenedRun,
  openNewRun,
  type ResumeOptions,
  type RunFolderOptions,
  reopenRun,
} from "./open-run.js";
import { runFiles } from "./run-files.js";
import { type RunNotes, runNotes } from "./run-notes.js";
import type { TrainingState } from "./training.js";
import type { Weights } from "./values.js";
import { readWeightsFile, writeWeights } from "./weights.js";

export type { ResumeOptions, RunFolderOptions } from "./open-run.js";
export { checkResumable, checkRunFolder, picturesFolder, runFiles } from "./run-files.js";

/** What a run ends with. */
export interface RunResults {
  /** The network's last values, by PyTorch's names. */
  readonly weights: Weights;
  /** All that is written beside them, by file name: the learning curve as SVG, say. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** When weights are those of a network: after which step, and which epoch. */
interface Moment {
  readonly epoch: number | undefined;
  readonly step: number | undefined;
}

export interface RunCheckpointOptions {
  /**
   * Keeps the best weights so far with it: what follows may replace them, though the run can go on from
   * here. Default: false.
   */
  readonly keepBest?: boolean;
}

export class RunFolder {
  /** Of the last step, and of the last epoch that is done. */
  #step = 0;
  #epoch: number | undefined;
  #logged = false;
  #kept: "best" | "last" | undefined;
  #checkpointed: number | undefined;

  private constructor(
    readonly path: string,
    private readonly opened: OpenedRun,
  ) {}

  /**
   * Makes the folder, or takes over an existing one, and writes config.json.
   *
   * @param config Anything that JSON can say; what config.ts reads, if the run is to be loaded.
   * @param force Whether a run that is there is replaced.
   * @throws DataError if it holds a run, another process writes to it, or it cannot be written.
   * @example
   * const folder = await RunFolder.create("runs/a", { model: "lenet", lr: 0.9 });
   * const save = (state) => folder.checkpoint(state);
   * const log = { onStep: (s) => folder.step(s), onEpoch: (e) => folder.epoch(e) };
   * const history = await fit(net, { train, optimizer, epochs: 1, checkpoint: { save }, ...log });
   * const curves = await drawCurves(history, { title: "lenet" });
   * await folder.finish({ weights: await readWeights(net), files: { "curves.svg": curves } });
   */
  static async create(
    path: string,
    config: object,
    force = false,
    options: RunFolderOptions = {},
  ): Promise<RunFolder> {
    return new RunFolder(path, await openNewRun(path, config, force, options));
  }

  /**
   * Opens the folder of a run that was interrupted, or is to go on for longer: its logs end where the
   * last checkpoint was made, and are gone on with from there.
   *
   * @param config As for `create`, and the same but for what may change.
   * @returns The folder, and what to give to `fit` as `resume`.
   * @throws DataError if it holds no whole checkpoint of this run, naming what has changed where that is
   *   why; if another process writes to it, or it cannot be written.
   * @example
   * const { folder, state } = await RunFolder.resume("runs/a", { model: "lenet", lr: 0.9 });
   * const save = (state) => folder.checkpoint(state);
   * await fit(net, { train, optimizer, epochs: 2, checkpoint: { save }, resume: state });
   * await folder.finish({ weights: await readWeights(net) });
   */
  static async resume(
    path: string,
    config: object,
    options: ResumeOptions = {},
  ): Promise<{ readonly folder: RunFolder; readonly state: TrainingState }> {
    const { opened, found, notes } = await reopenRun(path, config, options);
    const { state } = found;
    const { steps, epochs } = state.progress;
    const folder = new RunFolder(path, opened);
    folder.#step = steps.length;
    folder.#epoch = epochs.at(-1)?.epoch;
    folder.#logged = true;
    folder.#kept = notes.kept ?? undefined;
    folder.#checkpointed = steps.length;
    if (notes.best) await folder.#keepAgain(state);
    return { folder, state };
  }

  step(record: StepRecord): void {
    const { step, loss, lr } = record;
    this.#line(stepLine(record));
    this.opened.board.scalars(step, { "train/loss": loss, lr });
    this.#step = step;
  }

  epoch(record: EpochRecord): void {
    const { trainAcc, valLoss, valAcc, testLoss, testAcc } = record;
    this.#line(epochLine(record));
    this.#epoch = record.epoch;
    this.opened.board.scalars(this.#step, {
      "train/acc": trainAcc,
      ...(valLoss !== null && { "val/loss": valLoss }),
      ...(valAcc !== null && { "val/acc": valAcc }),
      ...(testLoss !== null && { "test/loss": testLoss }),
      ...(testAcc !== null && { "test/acc": testAcc }),
    });
  }

  /** How the weights are distributed after the last step, for TensorBoard. */
  histograms(weights: Weights): void {
    for (const [name, { data }] of weights) {
      if (data instanceof Float32Array) this.opened.board.histogram(this.#step, name, data);
    }
  }

  /** Writes the weights of an epoch, the best or the last one so far, in place of those before. */
  async keep(weights: Weights, epoch: "best" | "last"): Promise<void> {
    await this.#write(runFiles.weights, weights);
    this.#kept = epoch;
  }

  /** Writes the best weights of a state in place of what became of them later. */
  async #keepAgain({ best, progress }: TrainingState): Promise<void> {
    const epoch = progress.best.record?.epoch;
    const step = progress.steps.findLast((each) => each.epoch === epoch)?.step;
    try {
      if (best) await this.#write(runFiles.weights, best, { epoch, step });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Of which epoch it has the weights while the run is under way; undefined before the first is kept. */
  get kept(): "best" | "last" | undefined {
    return this.#kept;
  }

  /**
   * Writes where the training stands, to go on from there with the logs as they are now. The last two are
   * kept.
   *
   * @throws DataError if it cannot be written; those before are as they were, then.
   */
  async checkpoint(state: TrainingState, { keepBest = false }: RunCheckpointOptions = {}) {
    const { metrics, board, checkpoints, files, fingerprint } = this.opened;
    const kept = join(this.path, runFiles.weights);
    const best = keepBest && this.#kept === "best" ? await readWeightsFile(kept) : undefined;
    const notes: RunNotes = {
      fingerprint,
      metrics: metrics.bytes,
      events: { file: basename(board.path), bytes: board.bytes },
      kept: this.#kept ?? null,
      best: best !== undefined,
    };
    // What a checkpoint counts on must outlast a power cut as it does.
    for (const file of [metrics.path, board.path]) await syncFile(file, files);
    await checkpoints.save({ ...state, ...(best && { best }) }, runNotes(notes));
    this.#checkpointed = state.progress.steps.length;
  }

  /** The step after which the last checkpoint was written; undefined if there is none. */
  get checkpointed(): number | undefined {
    return this.#checkpointed;
  }

  /** Writes the last weights (under another name if there are best ones) and the rest; closes the folder. */
  async finish({ weights, files = {} }: RunResults): Promise<void> {
    await this.#write(this.#kept === "best" ? runFiles.last : runFiles.weights, weights);
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      await writeFileAtomic(join(this.path, name), [bytes]);
    }
    await this.opened.checkpoints.removeOlder();
    this.close();
  }

  /** Ends the writing without results: what was logged stays. A run that logged nothing goes away. */
  async abandon(): Promise<void> {
    const { metrics, board, created } = this.opened;
    if (!this.#logged) {
      const facts = [runFiles.config, runFiles.images].map((name) => join(this.path, name));
      for (const file of [...facts, metrics.path, board.path]) await rm(file, { force: true });
    }
    this.close();
    if (this.#logged || created === undefined) return;
    // Only folders that are empty go: rmdir refuses the others.
    for (let at = resolve(this.path); ; at = dirname(at)) {
      await rmdir(at).catch(() => undefined);
      if (at === resolve(created) || at === dirname(at)) return;
    }
  }

  close(): void {
    this.opened.metrics.close();
    this.opened.board.close();
    this.opened.lock.release();
  }

  #line(line: string): void {
    this.opened.metrics.append(Buffer.from(line));
    this.#logged = true;
  }

  /** Writes weights; the file says of which run they are, and of when: of now, unless told. */
  async #write(name: string, weights: Weights, at: Moment = this.#now): Promise<void> {
    const { epoch, step } = at;
    await writeWeights(weights, join(this.path, name), {
      run: this.opened.fingerprint,
      ...(epoch !== undefined && { epoch: String(epoch) }),
      ...(step !== undefined && { step: String(step) }),
    });
  }

  get #now(): Moment {
    return { epoch: this.#epoch, step: this.#step };
  }
}

async function syncFile(file: string, files: FileOperations): Promise<void> {
  try {
    const handle = await files.open(file, "r+");
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    throw fileError(file, "written", error);
  }
}
