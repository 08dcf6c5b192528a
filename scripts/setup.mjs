// Brings a clone up to date: packages, compiled TypeScript, native addon, the `fovea` command. What is
// up to date is left alone. It uses nothing but Node, because it runs before anything is installed.
//
//   node scripts/setup.mjs [--no-native]

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const leastNode = 20;

/** A problem that the user can solve: printed as it is, without a stack. */
export class SetupError extends Error {}

/** Runs `main` and ends the process as it says; a SetupError becomes one sentence. */
export async function runScript(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

export async function setUp({ native = true } = {}) {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < leastNode) {
    throw new SetupError(
      `Fovea needs Node ${leastNode} or newer; this is Node ${process.versions.node}.`,
    );
  }
  installPackages();
  compileTypeScript();
  linkCommand();
  if (native) await compileAddon();
}

// ---------------------------------------------------------------- packages

function installPackages() {
  if (packagesAreCurrent()) return;
  say("installing packages (npm ci)");
  // npm says where it is when it runs a script; "npm" alone would not start on Windows.
  const npm = process.env.npm_execpath;
  const args = [
    "ci",
    "--include=dev",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  run(npm ? process.execPath : "npm", npm ? [npm, ...args] : args, "npm ci failed (see above)");
}

/** Whether node_modules holds every package of the lock file, in its version. */
function packagesAreCurrent() {
  const installed = packagesOf(join(root, "node_modules", ".package-lock.json"));
  const wanted = packagesOf(join(root, "package-lock.json"));
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === "" || (installed[path] ? installed[path].version === version : optional),
  );
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : {};
}

// ---------------------------------------------------------------- TypeScript

function compileTypeScript() {
  const stampFile = join(dist, ".stamp");
  const stamp = hashOfSources();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  say("compiling TypeScript");
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  run(process.execPath, [tsc, "-p", "tsconfig.build.json"], "tsc failed (see above)");
  removeOrphans();
  writeFileSync(stampFile, stamp);
}

function hashOfSources() {
  const hash = createHash("sha256");
  const files = ["package-lock.json", "tsconfig.json", "tsconfig.build.json", ...filesIn("src")];
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** Deletes what was compiled from a source that is gone, so that it is never packed or imported. */
function removeOrphans() {
  for (const file of filesIn("dist")) {
    const source = relative("dist", file).replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts");
    if (source.endsWith(".ts") && !existsSync(join(root, "src", source))) rmSync(join(root, file));
  }
}

/** Files below a folder, as paths from the root, in one order on every machine. */
function filesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

// ---------------------------------------------------------------- command and addon

/** What installing a package does for its command, done for the clone itself: `npx fovea` finds it. */
function linkCommand() {
  const main = join(dist, "cli", "main.js");
  chmodSync(main, 0o755);
  const link = join(root, "node_modules", ".bin", "fovea");
  if (process.platform === "win32" || existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), main), link);
}

async function compileAddon() {
  const { buildNative } = await import(pathToFileURL(join(dist, "backends/native/build.js")));
  try {
    await buildNative({ log: say });
  } catch (error) {
    if (error.name === "BackendError") throw new SetupError(error.message);
    throw error;
  }
}

// ---------------------------------------------------------------- helpers

function run(command, args, problem) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (error) throw new SetupError(`${problem}: ${error.message}`);
  if (status !== 0) throw new SetupError(problem);
}

function say(line) {
  console.log(`[setup] ${line}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await runScript(() => setUp({ native: !process.argv.includes("--no-native") }));
}
