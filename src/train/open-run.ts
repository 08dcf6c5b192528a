// How a run's folder is opened: emptied for a run that begins, and as its last checkpoint left it for one
// that goes on. Node only. What is written then is run-folder.ts's.

import { basename, join } from "node:path";
import { DataError } from "../errors.js";
import {
  exists,
  type FileOperations,
  nodeFiles,
  readFileLimited,
  writeFileAtomic,
} from "../formats/files.js";
import { AppendFile } from "./append.js";
import { Checkpoints, type FoundCheckpoint, OtherRunError } from "./checkpoints.js";
import { changedSetting, fingerprint } from "./config.js";
import { changedImage } from "./image-list.js";
import { FolderLock } from "./lock.js";
import { restoreLog } from "./log.js";
import { makeFolder } from "./make-folder.js";
import {
  checkHoldsNoRun,
  checkRunFolder,
  clearResults,
  clearRun,
  clearTemporary,
  noCheckpoint,
  runFiles,
  wayOn,
} from "./run-files.js";
import { type RunNotes, readRunNotes } from "./run-notes.js";
import { TensorBoardWriter } from "./tensorboard.js";

export interface RunFolderOptions {
  /** The file operations of checkpoints; tests put failing ones in their place. Default: the system's. */
  readonly files?: FileOperations;
  /** What the run learns from, as `listImages` tells it: it goes on with the same alone. Default: untold. */
  readonly images?: string;
}

export interface ResumeOptions extends RunFolderOptions {
  /** Told in one sentence of what is not as it should be, but does no harm. Default: nobody. */
  readonly warn?: (problem: string) => void;
}

/** What a folder is opened with. */
export interface OpenedRun {
  readonly lock: FolderLock;
  readonly metrics: AppendFile;
  readonly board: TensorBoardWriter;
  readonly checkpoints: Checkpoints;
  readonly files: FileOperations;
  /** Tells the run from others. */
  readonly fingerprint: string;
  /** The topmost folder that did not exist before. */
  readonly created?: string | undefined;
}

/** @throws DataError as `RunFolder.create` does. */
export async function openNewRun(
  path: string,
  config: object,
  force: boolean,
  { files = nodeFiles, images }: RunFolderOptions,
): Promise<OpenedRun> {
  await checkRunFolder(path, force);
  const created = makeFolder(path);
  return locked(path, async (lock) => {
    if (!force) await checkHoldsNoRun(path);
    await clearRun(path);
    await writeFacts(path, config, images);
    const metrics = AppendFile.create(join(path, runFiles.metrics));
    return {
      ...{ lock, metrics, files, created },
      board: TensorBoardWriter.open(path),
      checkpoints: new Checkpoints(path, files),
      fingerprint: fingerprint(config, images),
    };
  });
}

/** A run as its last checkpoint left it. */
export interface ReopenedRun {
  readonly opened: OpenedRun;
  readonly found: FoundCheckpoint;
  readonly notes: RunNotes;
}

/**
 * Changes nothing that cannot be had again before all is open.
 *
 * @throws DataError as `RunFolder.resume` does.
 */
export async function reopenRun(
  path: string,
  config: object,
  { warn = () => {}, files = nodeFiles, images }: ResumeOptions,
): Promise<ReopenedRun> {
  return locked(path, async (lock) => {
    await clearTemporary(path);
    const own = fingerprint(config, images);
    const checkpoints = new Checkpoints(path, files);
    const { found, refused } = await checkpoints.load(
      ({ notes, file }) => readRunNotes(notes, file).fingerprint === own,
    );
    if (!found) throw await cannotGoOn(path, config, images, refused);
    for (const { message } of refused) warn(`${message}; going on from ${found.file}`);
    const notes = readRunNotes(found.notes, found.file);
    const weights = join(path, runFiles.weights);
    if (notes.kept !== null && !notes.best && !(await exists(weights))) {
      throw new DataError(weights, `is missing: ${basename(found.file)} counts on it`);
    }
    const logs = await reopenLogs(path, found, notes, warn);
    try {
      await writeFacts(path, config, images);
      await clearResults(path);
    } catch (error) {
      logs.metrics.close();
      logs.board.close();
      throw error;
    }
    return { opened: { lock, files, checkpoints, ...logs, fingerprint: own }, found, notes };
  });
}

/** Both logs, to be gone on with where the checkpoint was made. */
async function reopenLogs(
  path: string,
  { file, state }: FoundCheckpoint,
  notes: RunNotes,
  warn: (problem: string) => void,
) {
  const log = join(path, runFiles.metrics);
  const events = join(path, notes.events.file);
  const { steps, epochs } = state.progress;
  const lost = await restoreLog(log, steps, epochs, notes.metrics);
  if (lost) warn(`${log} ${lost}: written anew from ${basename(file)}`);
  const hasEvents = await exists(events);
  if (!hasEvents) warn(`${events} is missing: TensorBoard will show what follows only`);
  const metrics = AppendFile.reopen(log, notes.metrics);
  try {
    const board = hasEvents
      ? TensorBoardWriter.reopen(events, notes.events.bytes)
      : TensorBoardWriter.open(path);
    return { metrics, board };
  } catch (error) {
    metrics.close();
    throw error;
  }
}

/** Why none of the checkpoints is one to go on with, and what can be done. */
async function cannotGoOn(
  path: string,
  config: object,
  images: string | undefined,
  refused: readonly DataError[],
): Promise<DataError> {
  if (refused.length === 0) return noCheckpoint(path);
  const way = await wayOn(path);
  if (refused.some((error) => error instanceof OtherRunError)) {
    const changed = images === undefined ? undefined : changedImage(await readImages(path), images);
    if (changed !== undefined) {
      const back = "bring back the images with which the run began";
      return new DataError(path, `cannot go on: ${changed}; ${back}, or ${way}`);
    }
    const setting = await changedSetting(path, config);
    if (setting !== undefined) return new DataError(path, `cannot go on: ${setting}`);
  }
  const problems = refused.map(({ message }) => message).join("; ");
  return new DataError(path, `has no checkpoint to go on with: ${problems}; ${way}`);
}

/** Two million pictures; twice as many are no longer one string. */
const maxListBytes = 2 ** 28;

/** The list of its images as it was when the run began; empty where it is lost. */
async function readImages(path: string): Promise<string> {
  const bytes = await readFileLimited(join(path, runFiles.images), maxListBytes).catch(
    () => undefined,
  );
  return bytes === undefined ? "" : Buffer.from(bytes).toString();
}

async function writeFacts(path: string, config: object, images: string | undefined): Promise<void> {
  const write = (name: string, text: string) =>
    writeFileAtomic(join(path, name), [Buffer.from(text)]);
  await write(runFiles.config, `${JSON.stringify(config, null, 2)}\n`);
  if (images !== undefined) await write(runFiles.images, images);
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
