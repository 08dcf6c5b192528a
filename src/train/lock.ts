// Keeps a second process from writing to a run's folder: a file that names the process which does. What
// a process that was killed leaves behind holds nobody up. Node only.

import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../errors.js";
import { errorCode, fileError } from "../formats/files.js";

const lockFile = ".lock";

const schema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** When the process began, as the system tells it: another one may have its number by now. */
  began: z.string().nullable(),
  since: z.string(),
});
type Owner = z.infer<typeof schema>;

export class FolderLock {
  #held = true;

  private constructor(
    private readonly file: string,
    private readonly content: string,
  ) {
    process.once("exit", this.release);
  }

  /**
   * Takes the folder for this process, until `release` or its end.
   *
   * @throws DataError if another process has it, or the lock cannot be written.
   */
  static take(folder: string): FolderLock {
    const file = join(folder, lockFile);
    const owner: Owner = {
      pid: process.pid,
      host: hostname(),
      began: beginningOf(process.pid),
      since: new Date().toISOString(),
    };
    const content = `${JSON.stringify(owner)}\n`;
    for (;;) {
      // Between its making and its writing it looked as if left behind: somebody may have taken it away.
      if (made(file, content) && read(file) === content) return new FolderLock(file, content);
      const found = read(file);
      if (found === undefined) continue; // it has just been released
      refuseIfAlive(folder, found);
      takeAway(folder, file, found);
    }
  }

  /** Throws if another process has the folder; takes nothing. */
  static check(folder: string): void {
    const found = read(join(folder, lockFile));
    if (found !== undefined) refuseIfAlive(folder, found);
  }

  /** Gives the folder free. */
  readonly release = (): void => {
    if (!this.#held) return;
    this.#held = false;
    process.off("exit", this.release);
    try {
      if (readFileSync(this.file, "utf8") === this.content) unlinkSync(this.file);
    } catch {
      // a folder that went away has no lock
    }
  };
}

/** Makes the lock, unless there is one. */
function made(file: string, content: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, "wx");
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw fileError(file, "written", error);
  }
  try {
    writeSync(descriptor, content);
    return true;
  } catch (error) {
    unlinkSync(file);
    throw fileError(file, "written", error);
  } finally {
    closeSync(descriptor);
  }
}

/** The lock's text; undefined if there is none. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    throw fileError(file, "read", error);
  }
}

function refuseIfAlive(folder: string, content: string): void {
  const owner = parsed(content);
  // Nobody has named themselves: whoever began to was killed within a moment.
  if (!owner) return;
  const { pid, host, since } = owner;
  const here = host === hostname();
  if (here && !isAlive(owner)) return;
  const who = `process ${pid}${here ? "" : ` on ${host}`}, since ${since}`;
  const way = here
    ? "wait for it, or choose another folder"
    : `if it has ended, remove ${join(folder, lockFile)}`;
  throw new DataError(folder, `is being written by another training (${who}); ${way}`);
}

function parsed(content: string): Owner | undefined {
  try {
    return schema.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}

function isAlive({ pid, began }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false; // else it is somebody else's
  }
  if (hasEnded(pid)) return false;
  const now = beginningOf(pid);
  return began === null || now === null || now === began;
}

/** Whether a process is one in name only: its parent, often a container's first process, never asked. */
const hasEnded = (pid: number): boolean => /^[ZX]$/.test(statusOf(pid)?.[0] ?? "");

/** When a process began, counted from a certain start of the machine; null where that is not told. */
function beginningOf(pid: number): string | null {
  const began = statusOf(pid)?.[22 - 3];
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return began === undefined ? null : `${boot} ${began}`;
  } catch {
    return null;
  }
}

/** proc(5)'s fields of /proc/PID/stat from the 3rd on; the 2nd, in brackets, may hold blanks and brackets. */
function statusOf(pid: number): string[] | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    return status.slice(status.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Removes a lock that was left behind, but not one that somebody has made in its place meanwhile. */
function takeAway(folder: string, file: string, found: string): void {
  const aside = join(folder, `${lockFile}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    renameSync(file, aside);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return; // somebody else was faster
    throw fileError(file, "written", error);
  }
  const taken = read(aside);
  if (taken !== undefined && taken !== found) {
    renameSync(aside, file);
    refuseIfAlive(folder, taken);
    return;
  }
  unlinkSync(aside);
}
