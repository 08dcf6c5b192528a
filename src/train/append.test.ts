// A file that grows by whole records, also on a disk that fills up.

import * as fs from "node:fs";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, it, vi } from "vitest";
import { DataError } from "../errors.js";
import { AppendFile } from "./append.js";

vi.mock("node:fs", { spy: true });

const folder = mkdtempSync(join(tmpdir(), "fovea-append-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.mocked(fs.writeSync).mockReset());

const bytes = (text: string) => Buffer.from(text);

it("has each record at once", () => {
  const path = join(folder, "records");
  const file = AppendFile.create(path);
  for (const [record, whole] of [
    ["one\n", "one\n"],
    ["two\n", "one\ntwo\n"],
  ] as const) {
    file.append(bytes(record));
    expect(readFileSync(path, "utf8")).toBe(whole);
  }
  file.close();
});

it("ends with the record before the one that found no room, and goes on when there is some", () => {
  const path = join(folder, "full");
  const file = AppendFile.create(path);
  file.append(bytes("one\n"));
  const { writeSync } = vi.mocked(fs);
  // two bytes more, then none
  let room = 2;
  writeSync.mockImplementation(((fd: number, data: Uint8Array, from: number) => {
    if (room === 0) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    const part = data.subarray(from, from + room);
    room = 0;
    fs.appendFileSync(fd, part);
    return part.length;
  }) as typeof fs.writeSync);
  expect(() => file.append(bytes("two\n"))).toThrow(
    `${path}: cannot be written: the disk is full (ENOSPC)`,
  );
  expect(readFileSync(path, "utf8")).toBe("one\n");
  writeSync.mockReset();
  file.append(bytes("three\n"));
  expect(readFileSync(path, "utf8")).toBe("one\nthree\n");
  file.close();
});

it("names the file also on a disk that does not even let it be cut", () => {
  const path = join(folder, "broken");
  const file = AppendFile.create(path);
  const fail = () => {
    throw Object.assign(new Error("i/o error"), { code: "EIO" });
  };
  vi.mocked(fs).writeSync.mockImplementationOnce(fail);
  vi.mocked(fs).ftruncateSync.mockImplementationOnce(fail);
  expect(() => file.append(bytes("one\n"))).toThrow(
    `${path}: cannot be written: the disk reported an input/output error (EIO)`,
  );
  file.close();
});

it("takes over no file that is there, and writes nothing once closed", () => {
  const path = join(folder, "closed");
  const file = AppendFile.create(path);
  expect(() => AppendFile.create(path)).toThrow(`${path}: cannot be written: `);
  file.close();
  file.close();
  expect(() => file.append(bytes("late"))).toThrow(`${path}: cannot be written: it was closed`);
});

it("goes on with a file where it was so long, and cuts off what came later once more comes", () => {
  const path = join(folder, "reopened");
  const file = AppendFile.create(path);
  for (const record of ["one\n", "two\n", "half of thr"]) file.append(bytes(record));
  expect(file.bytes).toBe(19);
  file.close();
  const again = AppendFile.reopen(path, 4);
  expect([readFileSync(path, "utf8"), again.bytes]).toEqual(["one\ntwo\nhalf of thr", 4]);
  again.append(bytes("2\n"));
  expect(readFileSync(path, "utf8")).toBe("one\n2\n");
  again.close();
  expect(() => AppendFile.reopen(path, 7)).toThrow(
    new DataError(path, "is 6 bytes long; the checkpoint counts on 7"),
  );
  const missing = join(folder, "missing");
  expect(() => AppendFile.reopen(missing, 7)).toThrow(
    new DataError(missing, "is missing; the checkpoint counts on 7 bytes of it"),
  );
});
