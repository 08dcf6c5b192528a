// The short form of `npm run test:sanitize`: the thread pool and the coordinator under the sanitizers, in a
// program of their own (native/bench/threads.cc). Kernels take minutes to compile, and are left to the long form.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { sourceFolder } from "../../src/backends/native/paths.js";

const compiler = process.env.CXX || "c++";
const folder = mkdtempSync(join(tmpdir(), "fovea-threads-"));
afterAll(() => rmSync(folder, { recursive: true }));

const sources = ["bench/threads", "call_guard", "coordinator", "memory", "parallel", "program"].map(
  (name) => join(sourceFolder, `${name}.cc`),
);

/** Compiles and runs; what is written to both streams, and the exit code of whichever failed. */
function buildAndRun(sanitize: string, inputs: readonly string[], input = "") {
  const program = join(folder, sanitize);
  const flags = ["-std=c++17", "-O1", "-g", `-fsanitize=${sanitize}`, "-pthread"];
  const built = spawnSync(compiler, [...flags, ...inputs, "-o", program], {
    encoding: "utf8",
    input,
  });
  const { status, stdout, stderr } = built.status
    ? built
    : spawnSync(program, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

const sanitizers = ["thread", "address,undefined"];

const limit = { timeout: 600_000 };

it.for(sanitizers)("pool and coordinator are clean under %s", limit, (sanitize, { skip }) => {
  const nothing = buildAndRun(sanitize, ["-x", "c++", "-"], "int main() {}");
  if (nothing.status !== 0) {
    return skip(`${compiler} builds nothing that runs with -fsanitize=${sanitize}`);
  }
  expect(buildAndRun(sanitize, sources)).toEqual({ status: 0, output: "0 failures\n" });
});
