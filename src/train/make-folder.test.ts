import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { makeFolder } from "./make-folder.js";

const root = mkdtempSync(join(tmpdir(), "fovea-folder-"));
afterAll(() => rmSync(root, { recursive: true }));

it("makes a folder and those above it, and tells the topmost", () => {
  expect(makeFolder(join(root, "a", "b", "c"))).toBe(join(root, "a"));
  expect(existsSync(join(root, "a", "b", "c"))).toBe(true);
  expect(makeFolder(join(root, "a", "b", "d"))).toBe(join(root, "a", "b", "d"));
  expect(makeFolder(join(root, "a"))).toBe(undefined);
});

it("says what is in the way", () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  expect(() => makeFolder(file)).toThrow(new DataError(file, "is a file; expected a folder"));
  expect(() => makeFolder(join(file, "run"))).toThrow(DataError);
});

it.skipIf(!existsSync("/proc/self"))(
  "comes to an end where no folder can be made (not without /proc)",
  () => {
    expect(() => makeFolder("/proc/fovea/run")).toThrow(/^\/proc\/fovea\/run: cannot be written: /);
  },
);
