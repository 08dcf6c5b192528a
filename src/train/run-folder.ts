// A run's folder: config.json, metrics.jsonl, weights, checkpoints, TensorBoard's events and what else is
// made of a run. Node only. Each file is whole at any moment: metrics and events grow by whole records,
// the others appear at once; and only one process writes. What is in them is decided elsewhere
// (history.ts, tensorboard.ts, look/, formats/).

import { rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DataError } from "../errors.js";
import {
  exists,
  type FileOperations,
  fileError,
  nodeFiles,
  writeFileAtomic,
} from "../formats/files.js";
import { AppendFile } from "./append.js";
import { Checkpoints } from "./checkpoints.js";
import { checkSameRun, fingerprint } from "./config.js";
import type { EpochRecord, StepRecord } from "./history.js";
import { FolderLock } from "./lock.js";
import { epochLine, restoreLog, stepLine } from "./log.js";
import { makeFolder } from "./make-folder.js";
import {
  checkHoldsNoRun,
  checkRunFolder,
  clearResults,
  clearRun,
  clearTemporary,
  noCheckpoint,
  runFiles,
} from "./run-files.js";
import { type RunNotes, readRunNotes, runNotes } from "./run-notes.js";
import { TensorBoardWriter } from "./tensorboard.js";
import type { TrainingState } from "./training.js";
import type { Weights } from "./values.js";
import { writeWeights } from "./weights.js";

export { checkResumable, checkRunFolder, picturesFolder, runFiles } from "./run-files.js";

/** What a run ends with. */
export interface RunResults {
  /** The network's last values, by PyTorch's names. */
  readonly weights: Weights;
  /** All that is written beside them, by file name: the learning curve as SVG, say. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

export interface RunFolderOptions {
  /** The file operations of checkpoints; tests put failing ones in their place. Default: the system's. */
  readonly files?: FileOperations;
}

export interface ResumeOptions extends RunFolderOptions {
  /** Told in one sentence of what is not as it should be, but does no harm. Default: nobody. */
  readonly warn?: (problem: string) => void;
}

/** What a folder is opened with. */
interface Opened {
  readonly lock: FolderLock;
  readonly metrics: AppendFile;
  readonly board: TensorBoardWriter;
  readonly checkpoints: Checkpoints;
  readonly files: FileOperations;
  readonly fingerprint: string;
  /** The topmost folder that did not exist before. */
  readonly created?: string | undefined;
}

export class RunFolder {
  /** Of the last step. */
  #step = 0;
  #logged = false;
  #kept: "best" | "last" | undefined;
  #checkpointed: number | undefined;

  private constructor(
    readonly path: string,
    private readonly opened: Opened,
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
    { files = nodeFiles }: RunFolderOptions = {},
  ): Promise<RunFolder> {
    await checkRunFolder(path, force);
    const created = makeFolder(path);
    return locked(path, async (lock) => {
      if (!force) await checkHoldsNoRun(path);
      await clearRun(path);
      await writeConfig(path, config);
      const metrics = AppendFile.create(join(path, runFiles.metrics));
      return new RunFolder(path, {
        ...{ lock, metrics, files, created },
        board: TensorBoardWriter.open(path),
        checkpoints: new Checkpoints(path, files),
        fingerprint: fingerprint(config),
      });
    });
  }

  /**
   * Opens the folder of a run that was interrupted, or is to go on for longer: its logs end where the
   * last checkpoint was made, and are gone on with from there.
   *
   * @param config As for `create`, and the same but for what may change.
   * @returns The folder, and what to give to `fit` as `resume`.
   * @throws DataError if it holds no whole checkpoint, or of another run; if another process writes to
   *   it, or it cannot be written.
   * @example
   * const { folder, state } = await RunFolder.resume("runs/a", { model: "lenet", lr: 0.9 });
   * const save = (state) => folder.checkpoint(state);
   * await fit(net, { train, optimizer, epochs: 2, checkpoint: { save }, resume: state });
   * await folder.finish({ weights: await readWeights(net) });
   */
  static async resume(
    path: string,
    config: object,
    { warn = () => {}, files = nodeFiles }: ResumeOptions = {},
  ): Promise<{ readonly folder: RunFolder; readonly state: TrainingState }> {
    return locked(path, async (lock) => {
      await clearTemporary(path);
      await checkSameRun(path, config);
      const checkpoints = new Checkpoints(path, files);
      const found = await checkpoints.load(warn);
      if (!found) throw noCheckpoint(path);
      const notes = readRunNotes(found.notes, found.file);
      if (notes.fingerprint !== fingerprint(config)) {
        const file = join(path, runFiles.config);
        throw new DataError(file, `has been changed since ${basename(found.file)} was written`);
      }
      if (notes.kept !== null && !(await exists(join(path, runFiles.weights)))) {
        throw new DataError(
          join(path, runFiles.weights),
          `is missing: ${basename(found.file)} counts on it`,
        );
      }
      const { steps, epochs } = found.state.progress;
      const log = join(path, runFiles.metrics);
      const events = join(path, notes.events.file);
      const lost = await restoreLog(log, steps, epochs, notes.metrics);
      if (lost) warn(`${log} ${lost}: written anew from ${basename(found.file)}`);
      const hasEvents = await exists(events);
      if (!hasEvents) warn(`${events} is missing: TensorBoard will show what follows only`);
      await clearResults(path);
      await writeConfig(path, config);
      const opened = {
        ...{ lock, files, checkpoints },
        metrics: AppendFile.reopen(log, notes.metrics),
        board: hasEvents
          ? TensorBoardWriter.reopen(events, notes.events.bytes)
          : TensorBoardWriter.open(path),
        fingerprint: notes.fingerprint,
      };
      const folder = new RunFolder(path, opened);
      folder.#step = steps.length;
      folder.#logged = true;
      folder.#kept = notes.kept ?? undefined;
      folder.#checkpointed = steps.length;
      return { folder, state: found.state };
    });
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
    await writeWeights(weights, join(this.path, runFiles.weights));
    this.#kept = epoch;
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
  async checkpoint(state: TrainingState): Promise<void> {
    const { metrics, board, checkpoints, files, fingerprint } = this.opened;
    const notes: RunNotes = {
      fingerprint,
      metrics: metrics.bytes,
      events: { file: basename(board.path), bytes: board.bytes },
      kept: this.#kept ?? null,
    };
    // What a checkpoint counts on must outlast a power cut as it does.
    for (const file of [metrics.path, board.path]) await syncFile(file, files);
    await checkpoints.save(state, runNotes(notes));
    this.#checkpointed = state.progress.steps.length;
  }

  /** The step after which the last checkpoint was written; undefined if there is none. */
  get checkpointed(): number | undefined {
    return this.#checkpointed;
  }

  /** Writes the last weights (under another name if there are best ones) and the rest; closes the folder. */
  async finish({ weights, files = {} }: RunResults): Promise<void> {
    const name = this.#kept === "best" ? runFiles.last : runFiles.weights;
    await writeWeights(weights, join(this.path, name));
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
      const files = [join(this.path, runFiles.config), metrics.path, board.path];
      for (const file of files) await rm(file, { force: true });
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
}

/** Does what needs the folder's lock, which stays with what comes of it. */
async function locked<T>(path: string, work: (lock: FolderLock) => Promise<T>): Promise<T> {
  const lock = FolderLock.take(path);
  try {
    return await work(lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function writeConfig(path: string, config: object): Promise<void> {
  const text = `${JSON.stringify(config, null, 2)}\n`;
  await writeFileAtomic(join(path, runFiles.config), [Buffer.from(text)]);
}

async function syncFile(file: string, files: FileOperations): Promise<void> {
  try {
    const handle = await files.open(file, "r+");
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    throw fileError(file, "written", error);
  }
}
