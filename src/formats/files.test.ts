import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { type FileOperations, readFileLimited, writeFileAtomic } from "./files.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

const text = (value: string) => new TextEncoder().encode(value);

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code });
}

/** The real operations, but the named one fails, or writes only a little at a time. */
function faulty(where: string, code = "EIO"): FileOperations {
  return {
    async open(path, flags) {
      if (where === "open") throw failure(code);
      const handle = await open(path, flags);
      return new Proxy(handle, {
        get(target, key) {
          if (key === where && !(where === "sync" && flags === "r")) {
            return async () => {
              if (where === "close") await target.close();
              throw failure(code);
            };
          }
          if (key === "write" && where === "short") {
            return (chunk: Uint8Array, offset: number, length: number) =>
              target.write(chunk, offset, Math.min(length, 3));
          }
          if (key === "write" && where === "stuck") return async () => ({ bytesWritten: 0 });
          if (key === "sync" && where === "folder" && flags === "r") {
            return async () => Promise.reject(failure(code));
          }
          const value = Reflect.get(target, key);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
    rename: (from, to) => (where === "rename" ? Promise.reject(failure(code)) : rename(from, to)),
    unlink,
  };
}

describe("writeFileAtomic", () => {
  it("writes chunks in order, from any kind of iterable, and replaces the old file", async () => {
    const path = join(folder, "a.txt");
    await writeFileAtomic(path, [text("one "), text(""), text("two")]);
    expect(await readFile(path, "utf8")).toBe("one two");
    await writeFileAtomic(
      path,
      (async function* () {
        yield text("three");
      })(),
    );
    expect(await readFile(path, "utf8")).toBe("three");
  });

  it("goes on after short writes, and on systems that cannot flush a folder", async () => {
    const path = join(folder, "short.txt");
    await writeFileAtomic(path, [text("0123456789")], faulty("short"));
    await writeFileAtomic(path, [text("0123456789")], faulty("folder", "EINVAL"));
    expect(await readFile(path, "utf8")).toBe("0123456789");
  });

  it.each([
    ["open", "EACCES", "permission denied (EACCES)"],
    ["write", "ENOSPC", "the disk is full (ENOSPC)"],
    ["write", "EIO", "the disk reported an input/output error (EIO)"],
    ["stuck", "", "the disk takes no bytes"],
    ["sync", "EIO", "the disk reported an input/output error (EIO)"],
    ["close", "EDQUOT", "the disk quota is used up (EDQUOT)"],
    ["rename", "EROFS", "the file system is read-only (EROFS)"],
    ["rename", "EODD", "EODD: as the system says it (EODD)"],
  ])(
    "keeps the old file and leaves no other when %s fails with %s",
    async (where, code, reason) => {
      const inside = await mkdtemp(join(folder, "fault-"));
      const path = join(inside, "weights");
      await writeFileAtomic(path, [text("old")]);
      await expect(writeFileAtomic(path, [text("new")], faulty(where, code))).rejects.toThrow(
        `${path}: cannot be written: ${reason}`,
      );
      expect(await readdir(inside)).toEqual(["weights"]);
      expect(await readFile(path, "utf8")).toBe("old");
    },
  );

  it("says so when the folder's entry may not last", async () => {
    const path = join(folder, "entry");
    await expect(writeFileAtomic(path, [text("new")], faulty("folder", "EIO"))).rejects.toThrow(
      DataError,
    );
  });

  it("passes an error of the chunks on, and cleans up", async () => {
    const inside = await mkdtemp(join(folder, "chunks-"));
    const mistake = new RangeError("from the chunks");
    const chunks = (function* () {
      yield text("half");
      throw mistake;
    })();
    await expect(writeFileAtomic(join(inside, "x"), chunks)).rejects.toBe(mistake);
    expect(await readdir(inside)).toEqual([]);
  });

  it("names a folder that does not exist, or that stands in the way", async () => {
    const path = join(folder, "none", "x");
    await expect(writeFileAtomic(path, [])).rejects.toThrow(
      `${path}: cannot be written: its folder does not exist (ENOENT)`,
    );
    await mkdir(join(folder, "taken"));
    await expect(writeFileAtomic(join(folder, "taken"), [text("x")])).rejects.toThrow(
      "cannot be written: it is a folder, not a file (EISDIR)",
    );
  });
});

describe("readFileLimited", () => {
  it("reads whole files and refuses larger ones before reading", async () => {
    const path = join(folder, "limited");
    await writeFileAtomic(path, [text("12345")]);
    expect(await readFileLimited(path, 5)).toEqual(text("12345"));
    await expect(readFileLimited(path, 4)).rejects.toThrow(
      new DataError(path, "is 5 bytes long; expected at most 4"),
    );
  });

  it("does not wait for what a pipe may bring", async () => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    await expect(readFileLimited(path, 5)).rejects.toThrow(
      new DataError(path, "is not a regular file"),
    );
  });
});
