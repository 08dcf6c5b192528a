// Which files a run's folder has, whether one may be written to, and how it is emptied of the run before.
// Node only. What is written into them is run-folder.ts's.

import { access, constants, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DataError } from "../errors.js";
import { errorCode, exists, fileError } from "../formats/files.js";
import { checkpointFiles } from "./checkpoints.js";
import { configFile } from "./config.js";
import { FolderLock } from "./lock.js";

/** The files of a run, in the order in which they come about. */
export const runFiles = {
  config: configFile,
  /** What it learns from, if that is told. */
  images: "images.jsonl",
  metrics: "metrics.jsonl",
  /** The best on the validation part; without one, the last. */
  weights: "weights.safetensors",
  /** The last, where there is a validation part. */
  last: "last.safetensors",
  curves: "curves.svg",
  report: "report.html",
} as const;

/** Where pictures of a run are drawn when it is over, unless another folder is asked for. */
export const picturesFolder = "inspect";
/** Those that are drawn there: of a run that is replaced, they would show another network. */
const pictureFile = /^(filters|features-.*|mistakes|confusion)\.svg$/;

/** TensorBoard's files: each has the time in its name. */
const eventFile = /^events\.out\.tfevents\./;

/** What a process that was killed in the middle of a write leaves: writeFileAtomic's, and the lock's. */
const temporaryFile = /^\..+\.[0-9a-f]{12}\.tmp$/;

/**
 * Throws unless a run can be written to `folder`: it is not there, or is a folder that holds no run, or
 * of which `force` says that it may be replaced; nobody else writes to it, and files can be made there.
 * Changes nothing, so that it can be asked before the work starts.
 *
 * @throws DataError naming the folder.
 */
export async function checkRunFolder(folder: string, force = false): Promise<void> {
  await checkWritable(folder);
  FolderLock.check(folder);
  if (!force) await checkHoldsNoRun(folder);
}

/**
 * Throws unless there is a run in `folder` that can go on, as far as is seen without reading it all.
 * Changes nothing.
 *
 * @throws DataError naming the folder.
 */
export async function checkResumable(folder: string): Promise<void> {
  FolderLock.check(folder);
  if (!(await holdsCheckpoint(folder))) throw await noCheckpoint(folder);
}

export async function noCheckpoint(folder: string): Promise<DataError> {
  const isRun = await exists(join(folder, runFiles.config));
  const way = isRun ? `; ${await wayOn(folder)}` : "";
  return new DataError(folder, `holds no checkpoint of a training to go on with${way}`);
}

/** What can be done with a run that does not go on. */
export async function wayOn(folder: string): Promise<string> {
  return (await exists(join(folder, runFiles.weights)))
    ? `start another run from its weights with --init ${folder}`
    : "begin it again with --force";
}

async function holdsCheckpoint(folder: string): Promise<boolean> {
  const there = await Promise.all(checkpointFiles.map((name) => exists(join(folder, name))));
  return there.includes(true);
}

export async function checkHoldsNoRun(folder: string): Promise<void> {
  const there = (name: string) => exists(join(folder, name));
  for (const name of [...Object.values(runFiles), ...checkpointFiles]) {
    if (!(await there(name))) continue;
    const ways = [
      "choose another folder",
      "replace it with --force",
      ...((await holdsCheckpoint(folder)) ? [`go on with it by --resume ${folder}`] : []),
      ...((await there(runFiles.weights))
        ? [`go on from its weights with --init ${folder} and another --out`]
        : []),
    ];
    const list = `${ways.slice(0, -1).join(", ")}, or ${ways.at(-1)}`;
    throw new DataError(folder, `holds a run already (${name}); ${list}`);
  }
}

/** Throws unless files can be made in the folder, or else it in the nearest folder that there is. */
async function checkWritable(folder: string): Promise<void> {
  const refuse = (error: unknown) => {
    throw fileError(folder, "written", error);
  };
  for (let at = resolve(folder); ; at = dirname(at)) {
    const there = await stat(at).catch((error: unknown) =>
      errorCode(error) === "ENOENT" && at !== dirname(at) ? undefined : refuse(error),
    );
    if (!there) continue;
    if (!there.isDirectory()) {
      throw new DataError(folder, "is a file; choose another name for the folder of the run");
    }
    return access(at, constants.W_OK | constants.X_OK).catch(refuse);
  }
}

/** Removes all files of a run, and what is left of one that was killed. */
export async function clearRun(folder: string): Promise<void> {
  const events = (await namesIn(folder)).filter((name) => eventFile.test(name));
  const drawn = (await readdir(join(folder, picturesFolder)).catch(() => []))
    .filter((name) => pictureFile.test(name))
    .map((name) => join(picturesFolder, name));
  await remove(folder, [...Object.values(runFiles), ...checkpointFiles, ...events, ...drawn]);
  await clearTemporary(folder);
}

/** Removes what is told of a run when it is over. */
export async function clearResults(folder: string): Promise<void> {
  await remove(folder, [runFiles.last, runFiles.curves, runFiles.report]);
}

/** Removes files that were never finished. Only for whoever has the folder's lock. */
export async function clearTemporary(folder: string): Promise<void> {
  const names = (await namesIn(folder)).filter((name) => temporaryFile.test(name));
  await remove(folder, names);
}

const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: unknown) => {
    throw fileError(folder, "read", error);
  });

async function remove(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await rm(join(folder, name), { force: true }).catch((error: unknown) => {
      throw fileError(folder, "written", error);
    });
  }
}
