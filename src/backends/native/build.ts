// Compiles the addon from native/ with the C++ compiler of this machine: `npx fovea build`. Kernels
// are compiled once per instruction set, everything else once. What has not changed is not compiled
// again: an object's name holds the hash of all that it was made from. It loads nothing.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { basename, delimiter, join } from "node:path";
import { BackendError } from "../../errors.js";
import { abiFingerprint } from "./abi-header.js";
import { addonPath, nativeFolder, sourceFolder } from "./paths.js";

const flags = [
  "-std=c++17",
  "-O3",
  "-fno-math-errno",
  "-ffp-contract=fast",
  "-fPIC",
  "-fvisibility=hidden",
  "-Wall",
  "-pthread",
];

/** With a sanitizer: reports that name lines as they were written. The last -O counts. */
const checkedFlags = ["-O1", "-g", "-fno-omit-frame-pointer"];

/** Instruction sets that kernels are compiled for, and how. */
const isaFlags: Readonly<Record<string, readonly string[]>> = {
  avx512: [
    "-mavx512f",
    "-mavx512vl",
    "-mavx512dq",
    "-mavx512bw",
    "-mfma",
    "-mprefer-vector-width=512",
  ],
  avx2: ["-mavx2", "-mfma"],
  portable: [],
};

/** Sources compiled once, for any machine; every other one is a kernel, compiled per set. */
const commonSources = new Set([
  "addon.cc",
  "call_guard.cc",
  "coordinator.cc",
  "instance.cc",
  "isa.cc",
  "jobs.cc",
  "memory.cc",
  "parallel.cc",
  "program.cc",
]);

interface Unit {
  readonly source: string;
  readonly flags: readonly string[];
  readonly object: string;
}

export interface BuildOptions {
  /** Told what happens, a line at a time. */
  readonly log?: (line: string) => void;
  /**
   * What `-fsanitize` is to add to the code, for `npm run test:sanitize`: "address,undefined" or "thread".
   * Such an addon needs the sanitizer's library loaded first, and lies in a folder of its own.
   */
  readonly sanitize?: string;
}

/** Brings the addon up to date and returns its path. Rejects with BackendError. */
export async function buildNative(options: BuildOptions = {}): Promise<string> {
  const { log = () => {}, sanitize } = options;
  const compiler = await findCompiler();
  const folder = sanitize ? `${nativeFolder}-${sanitize.replaceAll(",", "-")}` : nativeFolder;
  const addon = join(folder, basename(addonPath));
  const objects = join(folder, "obj");
  mkdirSync(objects, { recursive: true });

  const checks = sanitize ? [`-fsanitize=${sanitize}`, ...checkedFlags] : [];
  const units = planUnits(compiler, objects, checks);
  const stale = units.filter((unit) => !existsSync(unit.object));
  if (stale.length > 0)
    log(`compiling ${stale.length} of ${units.length} files (${compiler.path})`);
  await inParallel(stale, (unit) => compile(compiler.path, unit));

  const wanted = units.map((unit) => unit.object);
  const linking = [...linkFlags(), ...checks];
  const stamp = hash([abiFingerprint, ...wanted, ...linking]);
  const stampPath = `${addon}.stamp`;
  const isFresh =
    existsSync(addon) && existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp;
  if (!isFresh) {
    const temporary = `${addon}.${process.pid}`;
    await runCompiler(compiler.path, [...linking, ...wanted, "-o", temporary], "link");
    renameSync(temporary, addon);
    writeFileSync(stampPath, stamp);
    log(`built ${addon}`);
  }
  removeOthers(objects, wanted);
  return addon;
}

// ---------------------------------------------------------------- what to compile

function planUnits(compiler: Compiler, objects: string, checks: readonly string[]): Unit[] {
  const isas = compiler.machine.startsWith("x86_64") ? Object.keys(isaFlags) : ["portable"];
  const base = [
    ...flags,
    ...checks,
    `-I${nodeApiHeaders()}`,
    ...isas.map((isa) => `-DFOVEA_HAS_${isa.toUpperCase()}`),
  ];
  const unit = (file: string, extra: readonly string[], suffix: string): Unit => {
    const source = join(sourceFolder, file);
    const all = [...base, ...extra];
    const key = hash([compiler.version, ...all, ...textsOf(source)]);
    const object = join(objects, `${basename(file, ".cc")}${suffix}.${key}.o`);
    return { source, flags: all, object };
  };
  const sources = readdirSync(sourceFolder).filter((file) => file.endsWith(".cc"));
  return sources
    .sort()
    .flatMap((file) =>
      commonSources.has(file)
        ? [unit(file, [], "")]
        : isas.map((isa) => unit(file, [...isaFlags[isa]!, `-DFOVEA_ISA=${isa}`], `.${isa}`)),
    );
}

/** The text of a source and of every header of ours that it includes, in a fixed order. */
function textsOf(source: string, seen = new Set<string>()): string[] {
  if (seen.has(source) || !existsSync(source)) return [];
  seen.add(source);
  const text = readFileSync(source, "utf8");
  const included = [...text.matchAll(/^#include "([^"]+)"/gm)].map((match) => match[1]!);
  return [text, ...included.flatMap((name) => textsOf(join(sourceFolder, name), seen))];
}

function nodeApiHeaders(): string {
  const require = createRequire(import.meta.url);
  const headers = require("node-api-headers") as { include_dir: string };
  return headers.include_dir;
}

function linkFlags(): string[] {
  return process.platform === "darwin"
    ? ["-bundle", "-undefined", "dynamic_lookup", "-pthread"]
    : ["-shared", "-pthread"];
}

// ---------------------------------------------------------------- running the compiler

interface Compiler {
  readonly path: string;
  readonly version: string;
  /** "x86_64-linux-gnu", "arm64-apple-darwin23", … */
  readonly machine: string;
}

async function findCompiler(): Promise<Compiler> {
  const wished = process.env.CXX;
  for (const path of wished ? [wished] : ["c++", "g++", "clang++"]) {
    if (!isOnPath(path)) continue;
    const version = await runCompiler(path, ["--version"], "version");
    const machine = await runCompiler(path, ["-dumpmachine"], "machine");
    return { path, version, machine: machine.trim() };
  }
  throw new BackendError(
    `fovea build: ${wished ? `CXX=${wished} is not there` : "found no C++ compiler (c++, g++, clang++)"}; ` +
      "install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++; Alpine: apk add " +
      "g++; macOS: xcode-select --install), or name one with CXX",
  );
}

function isOnPath(command: string): boolean {
  if (command.includes("/")) return existsSync(command);
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => existsSync(join(folder, command)));
}

async function compile(compiler: string, unit: Unit): Promise<void> {
  const temporary = `${unit.object}.${process.pid}`;
  const args = [...unit.flags, "-c", unit.source, "-o", temporary];
  await runCompiler(compiler, args, `compile ${basename(unit.source)}`);
  renameSync(temporary, unit.object);
}

function runCompiler(compiler: string, args: readonly string[], task: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(compiler, args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      reject(
        new BackendError(
          `fovea build: ${task} failed with ${compiler}\n${stderr || error.message}`,
        ),
      );
    });
  });
}

/** Works at as many items at once as there are processors; after a failure it begins no other. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      await work(item).catch((error) => {
        queue.length = 0;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/** Objects of older sources are of no use; young ones may belong to another build that is running. */
function removeOthers(folder: string, wanted: readonly string[]): void {
  const keep = new Set(wanted);
  const hourAgo = Date.now() - 3_600_000;
  for (const path of readdirSync(folder).map((file) => join(folder, file))) {
    if (!keep.has(path) && statSync(path).mtimeMs < hourAgo) rmSync(path, { force: true });
  }
}

function hash(parts: readonly string[]): string {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(`${part.length}:`).update(part);
  return sum.digest("hex").slice(0, 16);
}
