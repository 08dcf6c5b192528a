// npm run bench: all networks of docs/performance.md in Fovea and in PyTorch, in turn, several times; what other
// JavaScript libraries reach, once; and how long it is from the start of a process to its first trained step.
// Writes bench/results/speed.json and speed.svg. Nothing else should run on the machine meanwhile.
//
//   npm run bench -- [--only alexnet,lenet] [--rounds 3] [--steps 3] [--threads N] [--isa avx2] [--quick]
//                    [--without peers,start,profiles] [--out bench/results/speed]
//
// --quick goes to build/bench/quick, since one round says whether all of it runs and not how fast.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { models } from "fovea";
import { physicalCores } from "../dist/backends/native/machine.js";
import {
  findPython,
  foveaWorker,
  measure,
  torchEnvironment,
  torchWorker,
} from "../dist/cli/bench-processes.js";
import { table } from "../dist/cli/text.js";
import { drawSpeed } from "./speed/chart.mjs";
import { untilAllThere } from "./speed/machine.mjs";
import { measurePeers } from "./speed/peers.mjs";
import { median, medianOf, merged, ratioOf, shortly, tableOf } from "./speed/summary.mjs";
import { commitOf, versionsOf } from "./speed/versions.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const here = (...parts) => join(root, "bench", ...parts);

/** Batches as in docs/performance.md; the images are each network's own. */
const batches = {
  alexnet: 128,
  vgg11: 16,
  "vgg11-small": 64,
  nin: 128,
  googlenet: 128,
  lenet: 256,
};

/** A step of LeNet is over in milliseconds: it is measured so many times as often, for the median to mean something. */
const timesAsOften = { lenet: 50 };

/** How long a round waits for all processors to be there. */
const machineSeconds = 120;

const execFileAsync = promisify(execFile);

class Refusal extends Error {}

async function main(options) {
  const python = findPython();
  const file = `${options.out}.json`;
  const earlier = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  const results = {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0].model,
    cores: physicalCores(),
    memoryBytes: totalmem(),
    threads: options.threads,
    isa: options.isa ?? null,
    rounds: options.rounds,
    steps: options.steps,
    commit: commitOf(),
    versions: versionsOf(python),
    networks: {},
  };
  check(() => merged(earlier, results)); // before hours are spent
  const write = () => {
    const all = inOrder(merged(earlier, results));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
    writeFileSync(`${options.out}.svg`, drawSpeed(all));
    return all;
  };

  if (!options.without.has("start")) {
    results.firstStep = await measureStart(python, options);
    const { fovea, torch } = results.firstStep.medians;
    say(`start to first step of lenet: ${fovea.toFixed(2)} s, PyTorch ${torch.toFixed(2)} s`);
  } else if (earlier?.firstStep) results.firstStep = earlier.firstStep;

  for (const model of options.only) {
    results.networks[model] = await measureNetwork(model, python, options);
    write();
  }
  const head = ["network", "batch", "by", "train ex/s", "infer ex/s", "1 image, ms", "peak GB", ""];
  say("", ...table(head, tableOf(write()), new Set([3, 4, 5, 6])), "", `wrote ${file}`);
}

/** With the networks as they are listed above, whichever was measured first. */
function inOrder(results) {
  const names = Object.keys(batches).filter((name) => name in results.networks);
  return { ...results, networks: Object.fromEntries(names.map((n) => [n, results.networks[n]])) };
}

// ---------------------------------------------------------------- networks

async function measureNetwork(model, python, { rounds, steps, threads, isa, without }) {
  const { input } = models[model];
  const task = {
    model,
    batchSize: batches[model],
    steps: steps * (timesAsOften[model] ?? 1),
    threads,
    input,
    ...(isa && { isa }),
  };
  const workers = {
    fovea: [foveaWorker(), task],
    torch: [torchWorker(python, task), task],
    ...(model === "alexnet" && { "fovea, direct": [foveaWorker(), { ...task, conv: "direct" }] }),
  };
  const runs = Object.fromEntries(Object.keys(workers).map((name) => [name, []]));
  const speedups = [];
  for (let round = 0; round < rounds; round++) {
    speedups.push(await untilAllThere(threads, machineSeconds, say));
    for (const [name, [worker, own]] of inTurn(round, workers)) {
      const answer = await measure(worker, own);
      runs[name].push(answer);
      say(`${model}, round ${round + 1}, ${name}: ${shortly(answer)}`);
    }
  }
  const torch = medianOf(runs.torch);
  const results = Object.fromEntries(
    Object.entries(runs).map(([name, own]) => {
      const medians = medianOf(own);
      const ratio = name === "torch" ? {} : { ratio: ratioOf(medians, torch) };
      return [name, { medians, ...ratio, runs: own }];
    }),
  );
  if (!without.has("peers")) {
    // Those on one thread take seconds for what the others do in milliseconds.
    Object.assign(results, await measurePeers(model, { ...task, steps }, torch, say));
  }
  const profile = without.has("profiles") ? {} : { profile: await profileOf(task) };
  return { batchSize: task.batchSize, input, speedups, results, ...profile };
}

/** What `fovea profile` says of a training step with SGD, without the calls that take less than 1% of it. */
async function profileOf({ model, batchSize, threads, isa }) {
  const words = ["profile", model, "--optimizer", "sgd", "--json"];
  const numbers = ["--batch-size", batchSize, "--threads", threads].map(String);
  const { stdout } = await execFileAsync(
    process.execPath,
    [join(root, "dist", "cli", "main.js"), ...words, ...numbers, ...(isa ? ["--isa", isa] : [])],
    { maxBuffer: 2 ** 26 },
  );
  const { stepSeconds, peaks, arenaBytes, calls, kernels, passes } = JSON.parse(stdout);
  const longest = calls
    .filter(({ share }) => share >= 0.01)
    .sort((one, other) => other.seconds - one.seconds);
  return { stepSeconds, peaks, arenaBytes, calls: longest, kernels, passes };
}

/** Whoever comes second finds a warmer machine. */
const inTurn = (round, workers) =>
  round % 2 === 0 ? Object.entries(workers) : Object.entries(workers).reverse();

// ---------------------------------------------------------------- from start to first step

/** Seconds from the start of a process to its end behind the first trained step. */
async function measureStart(python, { rounds, threads, isa }) {
  const task = { threads, ...(isa && { isa }) };
  const workers = {
    fovea: { command: process.execPath, args: [here("speed", "first-step.mjs")] },
    torch: {
      command: python,
      args: [here("speed", "first_step.py")],
      environment: torchEnvironment(task),
    },
  };
  const runs = { fovea: [], torch: [] };
  await untilAllThere(threads, machineSeconds, say);
  // the first of each only brings files into memory
  for (let round = 0; round < 2 * rounds + 1; round++) {
    for (const [name, worker] of inTurn(round, workers)) {
      const start = performance.now();
      await measure(worker, task);
      if (round > 0) runs[name].push((performance.now() - start) / 1000);
    }
  }
  const medians = { fovea: median(runs.fovea), torch: median(runs.torch) };
  return { runs, medians, ratio: medians.fovea / medians.torch };
}

// ---------------------------------------------------------------- options and facts

function optionsOf(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        only: { type: "string" },
        rounds: { type: "string" },
        steps: { type: "string" },
        threads: { type: "string" },
        isa: { type: "string" },
        out: { type: "string" },
        without: { type: "string", default: "" },
        quick: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new Refusal(error.message);
  }
  const { only, rounds, steps, threads, isa, out, without, quick } = values;
  const count = (name, text, fallback) => {
    const value = text === undefined ? fallback : Number(text);
    if (Number.isInteger(value) && value >= 1) return value;
    throw new Refusal(`--${name} must be a whole number ≥ 1, got ${text}`);
  };
  const among = (name, text, known) => {
    const names = text.split(",").filter((part) => part !== "");
    const odd = names.find((part) => !known.includes(part));
    if (odd) throw new Refusal(`--${name} knows no "${odd}"; it knows ${known.join(", ")}`);
    return names;
  };
  return {
    only: among("only", only ?? Object.keys(batches).join(), Object.keys(batches)),
    rounds: count("rounds", rounds, quick ? 1 : 3),
    steps: count("steps", steps, quick ? 1 : 3),
    threads: count("threads", threads, physicalCores()),
    isa,
    out: resolve(out ?? outFor(isa, quick)),
    without: new Set([
      ...among("without", without, ["peers", "start", "profiles"]),
      ...(quick ? ["peers", "profiles"] : []),
    ]),
  };
}

const outFor = (isa, quick) =>
  quick ? join(root, "build", "bench", "quick") : here("results", isa ? `speed-${isa}` : "speed");

function check(work) {
  try {
    work();
  } catch (error) {
    throw new Refusal(error.message);
  }
}

function say(...lines) {
  process.stdout.write(`${lines.join("\n")}\n`);
}

try {
  await main(optionsOf(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}
