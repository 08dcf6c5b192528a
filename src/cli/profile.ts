// fovea profile: where the time of a network's step goes, kernel call by kernel call, and how near each comes
// to what the machine can do. The figures are src/look/profile's; here they become a table, JSON or a trace.

import { Command, Option } from "commander";
import type { ConvolutionMode } from "../backends/backend.js";
import { compile } from "../compile.js";
import { writeFileAtomic } from "../formats/files.js";
import { type Profile, profileStep } from "../look/profile/profile.js";
import { totals } from "../look/profile/roofline.js";
import { traceOf } from "../look/profile/trace.js";
import { logitsOf } from "../nn/index.js";
import { manualSeed, noGrad } from "../runtime.js";
import type { Tensor } from "../tensor.js";
import { trainStep } from "../train/steps.js";
import {
  type BackendName,
  backendNames,
  checkKernels,
  defaultThreads,
  useBackend,
} from "./backend.js";
import { exampleImages, exampleLabels } from "./examples.js";
import { findModel } from "./model.js";
import { convOption, isaOption, path, threadsOption, wholeNumber } from "./options.js";
import { note, print } from "./print.js";
import { profileAsText } from "./profile-text.js";
import { dimensions } from "./text.js";
import { optimizerOf } from "./train/recipe.js";
import { optimizerNames, optimizerSettings } from "./train/settings.js";

interface Options {
  readonly infer?: boolean;
  readonly batchSize?: number;
  readonly steps: number;
  readonly optimizer?: (typeof optimizerNames)[number];
  readonly threads?: number;
  readonly isa?: string;
  readonly conv: ConvolutionMode;
  readonly backend: BackendName;
  readonly all?: boolean;
  readonly trace?: string;
  readonly json?: boolean;
}

const help = `
The roof is what this machine could do at best: the operations at the speed of multiply-adds that never leave
the registers, or the bytes at the speed of memory, whichever takes longer. Both are measured beforehand. What
lies in a cache may come faster than from memory, so that small calls can be above their roof. Operations of a
convolution are those of the direct one; "done" are those that are left with Winograd's algorithm.`;

export function profileCommand(): Command {
  const positive = wholeNumber({ least: 1 });
  return new Command("profile")
    .description(
      "show where the time of a training step goes, and how near that is to what the machine can do",
    )
    .argument("<model>", "one of the networks that `fovea summary` lists")
    .option("--infer", "inference instead of a training step")
    .option("--batch-size <n>", "images a step (default: what its source trains with)", positive)
    .option("--steps <n>", "steps to measure; times are their medians", positive, 5)
    .addOption(
      new Option("--optimizer <name>", "what trains (default: the one of its source)").choices([
        ...optimizerNames,
      ]),
    )
    .addOption(threadsOption())
    .addOption(isaOption())
    .addOption(convOption().default("auto"))
    .addOption(
      new Option("--backend <name>", "what computes").choices([...backendNames]).default("native"),
    )
    .option("--all", "every call, and not only those that take 1% or more")
    .option("--trace <file>", "write the step as a trace for ui.perfetto.dev, .json", path)
    .option("--json", "for programs")
    .addHelpText("after", help)
    .action(profile);
}

async function profile(model: string, options: Options): Promise<void> {
  const { training, input, build } = findModel(model);
  checkKernels(options);
  const { infer = false, batchSize = training.batchSize, steps, backend: name } = options;
  const threads = options.threads ?? defaultThreads(name);
  const backend = await useBackend(name, threads, options);
  manualSeed(0);
  const net = build();
  const x = exampleImages([batchSize, ...input]);
  let measured: Profile;
  if (infer) {
    net.eval();
    const answer = compile((images: Tensor) => noGrad(() => logitsOf(net(images))));
    measured = await profileStep(answer, [x], { backend, steps });
  } else {
    const optimizer = optimizerOf(net, optimizerSettings(options, training));
    const step = trainStep(net, optimizer);
    measured = await profileStep(step, [x, exampleLabels(batchSize)], { backend, steps });
  }
  const { description } = backend;
  await backend.close();

  const what = infer ? "inference" : "training step";
  const title = `${model}, ${what}, batch ${batchSize} of ${dimensions(input)}, ${description}`;
  if (options.trace !== undefined) {
    await writeFileAtomic(options.trace, [new TextEncoder().encode(traceOf(measured, title))]);
  }
  const facts = { model, step: infer ? "inference" : "training", batchSize, input, threads };
  const text = options.json
    ? JSON.stringify({ ...facts, backend: description, ...asJson(measured) })
    : profileAsText(measured, { title, batchSize, least: options.all ? 0 : 0.01 }).join("\n");
  print(text);
  if (options.trace !== undefined) note(`wrote ${options.trace}`);
}

/** The calls, and their totals by kernel and by pass. */
const asJson = (measured: Profile) => ({
  ...measured,
  kernels: totals(measured.calls, ({ kernel }) => kernel),
  passes: totals(measured.calls, ({ origin }) => origin?.pass ?? "forward"),
});
