import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { FolderLock } from "./lock.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

const file = () => join(folder, ".lock");
const since = "2026-01-02T03:04:05.678Z";
const own = { pid: process.pid, host: hostname(), began: null, since };
const leave = (owner: object) => writeFile(file(), JSON.stringify(owner));

describe("FolderLock", () => {
  it("keeps a second one out until it is released", async () => {
    const lock = FolderLock.take(folder);
    const { since } = JSON.parse(await readFile(file(), "utf8"));
    const refusal = new DataError(
      folder,
      `is being written by another training (process ${process.pid}, since ${since}); ` +
        "wait for it, or choose another folder",
    );
    expect(() => FolderLock.take(folder)).toThrow(refusal);
    expect(() => FolderLock.check(folder)).toThrow(refusal);
    lock.release();
    lock.release();
    expect(await readdir(folder)).toEqual([]);
    FolderLock.check(folder);
    FolderLock.take(folder).release();
  });

  it("takes over from a process that is dead, from another of its number, and from half a lock", async () => {
    const { pid } = spawnSync(process.execPath, ["--version"]);
    const text = JSON.stringify({ ...own, pid });
    const stale = [text, JSON.stringify({ ...own, began: "another boot 1" }), "", text.slice(0, 9)];
    for (const content of stale) {
      await writeFile(file(), content);
      FolderLock.check(folder);
      const lock = FolderLock.take(folder);
      expect(JSON.parse(await readFile(file(), "utf8")).pid).toBe(process.pid);
      expect(await readdir(folder)).toEqual([".lock"]);
      lock.release();
    }
  });

  it.runIf(process.platform === "linux")(
    "takes over from a process that has ended, but whose parent has not noticed",
    async () => {
      // the shell starts a process, says its number, and becomes a program that never asks after it
      const script = "cat <&3 & echo $!; exec sleep 60";
      const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit", "pipe"] });
      const proc = (path: string) => () => readFile(`/proc/${path}`, "utf8");
      const slow = { timeout: 30_000 };
      try {
        const [pid] = await once(parent.stdout!, "data");
        await expect.poll(proc(`${parent.pid}/comm`), slow).toBe("sleep\n");
        (parent.stdio[3] as Writable).end(); // only now: the shell would ask
        await expect.poll(proc(`${+pid}/stat`), slow).toMatch(/\) Z /);
        await leave({ ...own, pid: +pid });
        FolderLock.take(folder).release();
      } finally {
        parent.kill();
      }
    },
  );

  it("leaves the lock of a process that it cannot ask after", async () => {
    await leave(own);
    expect(() => FolderLock.take(folder)).toThrow("is being written by another training");
    await leave({ ...own, host: "elsewhere" });
    expect(() => FolderLock.take(folder)).toThrow(
      new DataError(
        folder,
        `is being written by another training (process ${process.pid} on elsewhere, since ${since}); ` +
          `if it has ended, remove ${file()}`,
      ),
    );
  });

  it("does not release what has become another's", async () => {
    const lock = FolderLock.take(folder);
    await leave(own);
    lock.release();
    expect(await readdir(folder)).toEqual([".lock"]);
  });

  it("says where it cannot be written", () => {
    const missing = join(folder, "missing");
    FolderLock.check(missing);
    expect(() => FolderLock.take(missing)).toThrow(
      `${join(missing, ".lock")}: cannot be written: its folder does not exist (ENOENT)`,
    );
  });
});
