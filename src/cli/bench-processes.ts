// Processes that measure: what they are told, what they answer, and how Fovea's and PyTorch's are started.
// `fovea bench` and bench/run.mjs both use them, so that both measure the same.

import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ConvolutionMode } from "../backends/backend.js";
import { FoveaError } from "../errors.js";

/** What a worker is told: one JSON argument. */
export interface BenchTask {
  readonly model: string;
  readonly batchSize: number;
  /** Training steps to measure, and inferences unless they are few, after one to warm up. */
  readonly steps: number;
  readonly threads: number;
  /** The instruction set to make do with; the best that there is where none is said. */
  readonly isa?: string;
  /** How Fovea convolves. */
  readonly conv?: ConvolutionMode;
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

/** How a process that measures is started; the task follows as its last argument. */
export interface Worker {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export const foveaWorker = (): Worker => ({
  command: process.execPath,
  args: [fileURLToPath(new URL("./bench-worker.js", import.meta.url))],
});

export const torchWorker = (python: string, task: Pick<BenchTask, "threads" | "isa">): Worker => ({
  command: python,
  args: [fileURLToPath(new URL("../../bench/torch_bench.py", import.meta.url))],
  environment: torchEnvironment(task),
});

/**
 * What keeps PyTorch to a number of threads, and to an instruction set: oneDNN's, its own kernels', and those
 * of OpenBLAS, each by the name that it goes by there.
 */
export function torchEnvironment({
  threads,
  isa,
}: Pick<BenchTask, "threads" | "isa">): Record<string, string> {
  const limits: Record<string, readonly [dnn: string, aten: string, blas: string]> = {
    avx2: ["AVX2", "avx2", "Haswell"],
    portable: ["SSE41", "default", "Prescott"],
  };
  const [dnn, aten, blas] = limits[isa ?? ""] ?? [];
  return {
    OMP_NUM_THREADS: String(threads),
    ...(dnn && { ONEDNN_MAX_CPU_ISA: dnn, DNNL_MAX_CPU_ISA: dnn }),
    ...(aten && { ATEN_CPU_CAPABILITY: aten }),
    ...(blas && { OPENBLAS_CORETYPE: blas }),
  };
}

/**
 * Gives a worker its task and takes the last line that it prints. Rejects with what it says is wrong.
 *
 * @param seconds Ends it after so long; what it has printed by then is its answer.
 */
export function measure<Task, Result = BenchResult>(
  worker: Worker,
  task: Task,
  seconds?: number,
): Promise<Result> {
  const { command, args, environment } = worker;
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args, JSON.stringify(task)], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
      ...(seconds !== undefined && { timeout: 1000 * seconds, killSignal: "SIGKILL" }),
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
      const answer = out.split("\n").slice(0, -1).at(-1);
      const timedOut = seconds !== undefined && signal === "SIGKILL";
      if ((code === 0 || timedOut) && answer !== undefined)
        return resolve(JSON.parse(answer) as Result);
      const reason = timedOut
        ? `no answer within ${seconds} s`
        : err.trim().replace(/^error: /, "") || `ended with ${signal ?? `exit code ${code}`}`;
      reject(new FoveaError(`bench: ${reason}`));
    });
  });
}

/** The first Python that has PyTorch. */
export function findPython(): string {
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
