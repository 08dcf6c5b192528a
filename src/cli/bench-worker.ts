// The process in which `fovea bench` measures: a JSON task as argument, a line of JSON as answer. It does
// what bench/torch_bench.py does, in the same order, and nothing else, so that their peaks compare.

import { readFileSync } from "node:fs";
import { compile } from "../compile.js";
import { logitsOf } from "../nn/index.js";
import { SGD } from "../optim/index.js";
import { manualSeed, noGrad } from "../runtime.js";
import type { Tensor } from "../tensor.js";
import { trainStep } from "../train/steps.js";
import { useBackend } from "./backend.js";
import type { BenchResult, BenchTask } from "./bench-processes.js";
import { exitCodeOf, explain } from "./errors.js";
import { exampleImages, exampleLabels } from "./examples.js";
import { findModel } from "./model.js";

async function measure(task: BenchTask): Promise<BenchResult> {
  const { model, batchSize, steps, threads, isa, conv, input } = task;
  const backend = await useBackend("native", threads, { isa, conv });
  manualSeed(0);
  const net = findModel(model).build();
  const x = exampleImages([batchSize, ...input]);
  const y = exampleLabels(batchSize);

  const step = trainStep(net, new SGD(net.parameters(), { lr: 0.01 }));
  const train = await timed(steps, async () => void (await (await step(x, y)).loss.item()));

  net.eval();
  const infer = compile((images: Tensor) => noGrad(() => logitsOf(net(images))));
  const whole = await timed(Math.max(3, steps), async () => void (await infer(x)));
  const one = exampleImages([1, ...input]);
  const single = await timed(Math.max(20, steps), async () => void (await infer(one)));
  const peakRssBytes = peak();
  await backend.close();
  return {
    model,
    batchSize,
    threads,
    trainExamplesPerSecond: batchSize / train,
    inferExamplesPerSecond: batchSize / whole,
    batch1Milliseconds: 1000 * single,
    peakRssBytes,
  };
}

/** Seconds that the work takes: the median of `times`, after one that warms up. */
async function timed(times: number, work: () => Promise<void>): Promise<number> {
  await work();
  const seconds: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await work();
    seconds.push((performance.now() - start) / 1000);
  }
  seconds.sort((a, b) => a - b);
  return (seconds[Math.floor((times - 1) / 2)]! + seconds[Math.floor(times / 2)]!) / 2;
}

/** The most memory that this process ever held. */
function peak(): number {
  try {
    // Not getrusage's maximum, which starts at the size of the process that spawned this one.
    const status = readFileSync("/proc/self/status", "utf8");
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

try {
  const result = await measure(JSON.parse(process.argv[2]!) as BenchTask);
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  process.stderr.write(`${explain(error, true)}\n`);
  process.exitCode = exitCodeOf(error);
}
