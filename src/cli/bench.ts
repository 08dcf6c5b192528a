// fovea bench: how fast a network trains and answers here, and in how much memory; beside PyTorch on
// request. Each measurement runs in a process of its own (bench-worker.ts, bench/torch_bench.py).

import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { FoveaError } from "../errors.js";
import { defaultThreads } from "./backend.js";
import { findModel } from "./model.js";
import { threadsOption, wholeNumber } from "./options.js";
import { bytes, table } from "./text.js";

/** What a worker is told: one JSON argument. */
export interface BenchTask {
  readonly model: string;
  readonly batchSize: number;
  /** Training steps to measure, after one to warm up. */
  readonly steps: number;
  readonly threads: number;
  /** Fovea's instruction set; the best that there is where none is said. */
  readonly isa?: string;
  /** [channels, height, width] */
  readonly input: readonly number[];
}

/** What a worker answers: one line of JSON. */
export interface BenchResult {
  readonly model: string;
  readonly batchSize: number;
  readonly threads: number;
  readonly trainExamplesPerSecond: number;
  readonly inferExamplesPerSecond: number;
  readonly batch1Milliseconds: number;
  readonly peakRssBytes: number;
}

const measures = {
  trainExamplesPerSecond: { label: "training, examples/sec", show: (v: number) => v.toFixed(1) },
  inferExamplesPerSecond: { label: "inference, examples/sec", show: (v: number) => v.toFixed(1) },
  batch1Milliseconds: { label: "one image, ms", show: (v: number) => v.toFixed(2) },
  peakRssBytes: { label: "peak memory", show: bytes },
} as const;
type Measure = keyof typeof measures;
const names = Object.keys(measures) as Measure[];

interface Options {
  readonly batchSize?: number;
  readonly steps: number;
  readonly threads?: number;
  readonly json?: boolean;
  readonly against?: "torch";
}

export function benchCommand(): Command {
  const positive = wholeNumber({ least: 1 });
  return new Command("bench")
    .description("measure training and inference speed, and peak memory")
    .argument("<model>", "one of the networks that `fovea summary` lists")
    .option("--batch-size <n>", "images a step (default: what its source trains with)", positive)
    .option("--steps <n>", "training steps to measure", positive, 5)
    .addOption(threadsOption())
    .addOption(new Option("--against <name>", "measure this too, in turn").choices(["torch"]))
    .option("--json", "for programs")
    .action(bench);
}

async function bench(model: string, options: Options): Promise<void> {
  const { input, training } = findModel(model);
  const { steps, batchSize = training.batchSize, threads = defaultThreads("native") } = options;
  const task: BenchTask = { model, batchSize, steps, threads, input };
  const python = options.against ? findPython() : undefined;

  const fovea = await measureFovea(task);
  if (!python) return print(options.json ? JSON.stringify(fovea) : asText(task, { fovea }));
  const torch = await measureTorch(python, task);
  const ratio = Object.fromEntries(names.map((name) => [name, fovea[name] / torch[name]]));
  print(
    options.json
      ? JSON.stringify({ fovea, torch, ratio })
      : asText(task, { fovea, torch }, ratio as Record<Measure, number>),
  );
}

function measureFovea(task: BenchTask): Promise<BenchResult> {
  const worker = fileURLToPath(new URL("./bench-worker.js", import.meta.url));
  return measure(process.execPath, [worker], task);
}

function measureTorch(python: string, task: BenchTask): Promise<BenchResult> {
  const script = fileURLToPath(new URL("../../bench/torch_bench.py", import.meta.url));
  return measure(python, [script], task, { OMP_NUM_THREADS: String(task.threads) });
}

/** Runs a worker and takes the last line that it prints. */
function measure(
  command: string,
  args: readonly string[],
  task: BenchTask,
  environment: Record<string, string> = {},
): Promise<BenchResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args, JSON.stringify(task)], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
    });
    child.on("error", (error) => reject(new FoveaError(`bench: ${command}: ${error.message}`)));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(JSON.parse(out.trim().split("\n").at(-1)!) as BenchResult);
      const reason =
        err.trim().replace(/^error: /, "") || `ended with ${signal ?? `exit code ${code}`}`;
      reject(new FoveaError(`bench: ${reason}`));
    });
  });
}

/** The first Python that has PyTorch. */
function findPython(): string {
  const test = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)";
  const wished = process.env.FOVEA_PYTHON;
  // Debian's PyTorch belongs to Debian's Python, which need not be the first on the path.
  for (const python of wished ? [wished] : ["python3", "/usr/bin/python3"]) {
    if (spawnSync(python, ["-c", test], { stdio: "ignore" }).status === 0) return python;
  }
  throw new FoveaError(
    `bench: found no PyTorch in ${wished ?? "python3"}; install it (Debian: apt install python3-torch ` +
      "libopenblas0-pthread), or name a Python that has it in FOVEA_PYTHON",
  );
}

function asText(
  { model, batchSize, threads, input }: BenchTask,
  results: { fovea: BenchResult; torch?: BenchResult },
  ratio?: Record<Measure, number>,
): string {
  const { fovea, torch } = results;
  const columns = [fovea, ...(torch ? [torch] : [])];
  const rows = names.map((name) => {
    const { label, show } = measures[name];
    const ratios = ratio ? [`${ratio[name].toFixed(2)}×`] : [];
    return [label, ...columns.map((result) => show(result[name])), ...ratios];
  });
  const head = ["", "fovea", ...(torch ? ["torch", "fovea/torch"] : [])];
  return [
    `${model}, batch ${batchSize} of ${input.join("×")}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    "",
    ...table(head, rows, new Set([1, 2, 3])),
  ].join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
