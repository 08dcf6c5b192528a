import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, it, vi } from "vitest";
import { BackendError } from "../../errors.js";
import { buildNative } from "./build.js";
import { addonPath } from "./paths.js";

const folder = mkdtempSync(join(tmpdir(), "fovea-build-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

it("leaves alone what is up to date", { timeout: 600_000 }, async () => {
  expect(await buildNative()).toBe(addonPath);
  const before = statSync(addonPath).mtimeMs;
  const lines: string[] = [];
  await buildNative({ log: (line) => lines.push(line) });
  expect(lines).toEqual([]);
  expect(statSync(addonPath).mtimeMs).toBe(before);
});

it("says how to get a compiler", async () => {
  vi.stubEnv("CXX", "");
  vi.stubEnv("PATH", folder);
  await expect(buildNative()).rejects.toThrow(
    "fovea build: found no C++ compiler (c++, g++, clang++); install one (Debian, Ubuntu: apt " +
      "install g++; ",
  );
  vi.stubEnv("CXX", "/nowhere/c++");
  await expect(buildNative()).rejects.toThrow(
    "fovea build: CXX=/nowhere/c++ is not there; install",
  );
});

it("shows what the compiler says", async () => {
  const compiler = join(folder, "c++");
  writeFileSync(
    compiler,
    `#!/bin/sh
case "$1" in
  --version) echo 1 ;;
  -dumpmachine) echo sparc-sun-solaris ;;
  *) echo "abi.h:1: what is this?" >&2; exit 1 ;;
esac
`,
  );
  chmodSync(compiler, 0o755);
  vi.stubEnv("CXX", compiler);
  const building = buildNative();
  await expect(building).rejects.toThrow(BackendError);
  await expect(building).rejects.toThrow(
    /^fovea build: compile \w+\.cc failed with .*c\+\+\nabi\.h:1: what is this\?\n$/,
  );
});
