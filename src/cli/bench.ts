// fovea bench: how fast a network trains and answers here, and in how much memory; beside PyTorch on
// request. Each measurement runs in a process of its own (bench-processes.ts).

import { Command, Option } from "commander";
import type { ConvolutionMode } from "../backends/backend.js";
import { defaultThreads } from "./backend.js";
import {
  type BenchResult,
  type BenchTask,
  findPython,
  foveaWorker,
  measure,
  torchWorker,
} from "./bench-processes.js";
import { findModel } from "./model.js";
import { convOption, isaOption, threadsOption, wholeNumber } from "./options.js";
import { print } from "./print.js";
import { bytes, table } from "./text.js";

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
  readonly isa?: string;
  readonly conv: ConvolutionMode;
  readonly json?: boolean;
  readonly against?: "torch";
}

export function benchCommand(): Command {
  const positive = wholeNumber({ least: 1 });
  return new Command("bench")
    .description("measure training and inference speed, and peak memory")
    .argument("<model>", "one of the networks that `fovea summary` lists")
    .option("--batch-size <n>", "images a step (default: what its source trains with)", positive)
    .option("--steps <n>", "training steps to measure, and batches to infer", positive, 5)
    .addOption(threadsOption())
    .addOption(isaOption())
    .addOption(convOption().default("auto"))
    .addOption(new Option("--against <name>", "measure this too, in turn").choices(["torch"]))
    .option("--json", "for programs")
    .action(bench);
}

async function bench(model: string, options: Options): Promise<void> {
  const { input, training } = findModel(model);
  const { isa, conv, steps, batchSize = training.batchSize } = options;
  const { threads = defaultThreads("native") } = options;
  const task: BenchTask = { model, batchSize, steps, threads, input, conv, ...(isa && { isa }) };
  const python = options.against ? findPython() : undefined;

  const fovea = await measure(foveaWorker(), task);
  if (!python) return print(options.json ? JSON.stringify(fovea) : asText(task, { fovea }));
  const torch = await measure(torchWorker(python, task), task);
  const ratio = Object.fromEntries(names.map((name) => [name, fovea[name] / torch[name]]));
  print(
    options.json
      ? JSON.stringify({ fovea, torch, ratio })
      : asText(task, { fovea, torch }, ratio as Record<Measure, number>),
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
