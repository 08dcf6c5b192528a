// npm run test:sanitize: the native kernels and all around them, compiled with AddressSanitizer and
// UndefinedBehaviorSanitizer, then with ThreadSanitizer, under the conformance suite, on every instruction
// set that this machine has. Node itself is as it is: the sanitizer's library is loaded before it.
//
//   npm run test:sanitize [-- address | thread [tests]]

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, runScript, SetupError, setUp } from "./setup.mjs";

/** What both runtimes are told: an allocation that is far too large fails, as it does without them. */
const common = ["allocator_may_return_null=1", "exitcode=66"];

const sanitizers = {
  address: {
    flags: "address,undefined",
    title: "AddressSanitizer and UndefinedBehaviorSanitizer",
    libraries: ["libasan", "libubsan"],
    options: (log) => ({
      // V8's heap is not looked through for pointers, so that all it holds would seem to be leaked.
      ASAN_OPTIONS: [...common, "detect_leaks=0", log].join(":"),
      // Beside AddressSanitizer it writes to the standard error, whatever path it is given.
      UBSAN_OPTIONS: "halt_on_error=1:exitcode=66:print_stacktrace=1",
    }),
  },
  thread: {
    flags: "thread",
    title: "ThreadSanitizer",
    libraries: ["libtsan"],
    options: (log) => ({
      // What Node does by itself cannot be judged: it is not compiled for it.
      TSAN_OPTIONS: [
        ...common,
        "ignore_noninstrumented_modules=1",
        "report_signal_unsafe=0",
        "report_thread_leaks=0",
        log,
      ].join(":"),
    }),
  },
};

/** The first line of a report, whichever sanitizer wrote it. (That memory cannot be had is no report.) */
const reportPattern =
  /^(?:==\d+==ERROR: |(?:WARNING|FATAL): ThreadSanitizer|ThreadSanitizer:DEADLYSIGNAL|.*: runtime error: )/gm;

await runScript(async () => {
  const [wanted, ...tests] = process.argv.slice(2);
  const names = wanted === undefined ? Object.keys(sanitizers) : [wanted];
  const unknown = names.find((name) => !Object.hasOwn(sanitizers, name));
  if (unknown) {
    throw new SetupError(
      `test:sanitize: no sanitizer "${unknown}"; there are ${Object.keys(sanitizers).join(", ")}`,
    );
  }
  await setUp({ native: false });
  const results = [];
  for (const name of names) results.push(await runWith(sanitizers[name], tests));
  for (const { line } of results) console.log(line);
  return results.every(({ isClean }) => isClean) ? 0 : 1;
});

/** Builds the addon with a sanitizer and runs the tests with it; gives back the line that sums it up. */
async function runWith({ flags, title, libraries, options }, tests) {
  const addon = await build(flags);
  const folder = mkdtempSync(join(tmpdir(), "fovea-sanitize-"));
  try {
    const results = join(folder, "tests.json");
    const env = {
      ...process.env,
      ...options(`log_path=${join(folder, "report")}`),
      FOVEA_ADDON: addon,
      LD_PRELOAD: librariesOf(addon, libraries).join(":"),
    };
    const isas = isasOf(addon, env);
    const { status, output } = await runVitest(results, tests, env);
    const log = readdirSync(folder)
      .filter((file) => file.startsWith("report."))
      .map((file) => readFileSync(join(folder, file), "utf8"))
      .join("");
    console.error(log);
    const reports = (output + log).match(reportPattern)?.length ?? 0;
    const { passed, failed } = readResults(results);
    const line = `${title}, ${isas}: ${passed} tests passed, ${failed} failed, ${reports} reports`;
    return { line, isClean: status === 0 && passed > 0 && reports === 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(sanitize) {
  const { buildNative } = await import(pathToFileURL(join(root, "dist/backends/native/build.js")));
  try {
    return await buildNative({ sanitize, log: (line) => console.log(`[${sanitize}] ${line}`) });
  } catch (error) {
    if (error.name === "BackendError") throw new SetupError(error.message);
    throw error;
  }
}

/** Where the runtimes lie that an addon was linked with. */
function librariesOf(addon, names) {
  const linked = execFileSync("ldd", [addon], { encoding: "utf8" });
  return names.map((name) => {
    const path = new RegExp(`${name}\\.so\\S* => (/\\S+)`).exec(linked)?.[1];
    if (path) return path;
    throw new SetupError(
      `test:sanitize: ${addon} is not linked with ${name}.so; it takes GCC (CXX=g++) and glibc`,
    );
  });
}

/** The instruction sets of this machine, by the addon: so it loads. */
function isasOf(addon, env) {
  const script = `console.log(require(${JSON.stringify(addon)}).isas.join(", "))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", script], {
    env: { ...env, ASAN_OPTIONS: "detect_leaks=0", TSAN_OPTIONS: "" },
    encoding: "utf8",
  });
  if (status === 0) return stdout.trim();
  const hint = stderr.includes("unexpected memory mapping")
    ? "; addresses are too random for it: sysctl vm.mmap_rnd_bits=28"
    : "";
  throw new SetupError(`test:sanitize: Node does not run with ${addon}${hint}\n${stderr}`);
}

/** Shows what vitest writes, and gives it back with its exit code. */
function runVitest(results, tests, env) {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
  const args = [
    vitest,
    "run",
    "--config",
    "test/sanitize/vitest.config.ts",
    ...reporters,
    ...tests,
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const from of ["stdout", "stderr"]) {
    child[from].setEncoding("utf8").on("data", (text) => {
      output += text;
      process[from].write(text);
    });
  }
  return new Promise((resolve) => {
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}

function readResults(file) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(file, "utf8"));
    return { passed: numPassedTests, failed: numFailedTests };
  } catch {
    return { passed: 0, failed: 0 }; // vitest died before it could write them
  }
}
