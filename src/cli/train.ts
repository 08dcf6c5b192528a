// fovea train: its options and its help. train/settings.ts says what they come to, train/run.ts does the work.

import { Command, Option } from "commander";
import { augmentations, datasetNames } from "../data/index.js";
import { models } from "../models/index.js";
import { summarize } from "../nn/index.js";
import { backendNames } from "./backend.js";
import {
  convOption,
  datasetName,
  decimal,
  path,
  stepsOrMinutes,
  threadsOption,
  wholeNumber,
} from "./options.js";
import { dimensions } from "./text.js";
import { resumedSettings } from "./train/resume.js";
import { runTraining } from "./train/run.js";
import {
  normalizations,
  type Options,
  onNanChoices,
  optimizerNames,
  resolveSettings,
  scheduleNames,
} from "./train/settings.js";
import { recipeInWords } from "./train/words.js";

export function trainCommand(): Command {
  const positive = wholeNumber({ least: 1 });
  const share = decimal({ most: 1 });
  const choice = (flags: string, description: string, names: readonly string[], value?: string) => {
    const option = new Option(flags, description).choices([...names]);
    return value === undefined ? option : option.default(value);
  };
  return new Command("train")
    .description(
      "train a network; what is not given is as in its source (fovea summary names it), listed below",
    )
    .argument("[model]", "one of those below, such as alexnet; with --resume it need not be said")
    .optionsGroup("Images:")
    .option(
      "--data <name>",
      `${datasetNames.slice(0, -1).join(", ")}, or ${datasetNames.at(-1)} with your own: PNG or JPEG files, a sub-folder for each class`,
      datasetName,
      "fashion-mnist",
    )
    .option(
      "--data-dir <dir>",
      "where the data set's files are (default: found or downloaded)",
      path,
    )
    .option(
      "--resize <n>",
      "make images n×n: shorter side to n, then the middle (default: the network's)",
      positive,
    )
    .addOption(
      choice("--augment <name>", "random changes to the training images", augmentations, "none"),
    )
    .addOption(
      choice(
        "--normalize <name>",
        "bring each colour to mean 0 and deviation 1",
        normalizations,
        "none",
      ),
    )
    .option(
      "--val-fraction <x>",
      "share of the training images to keep aside for choosing the best epoch, such as 0.1",
      decimal({ most: 0.9 }),
      0,
    )
    .option("--limit-train <n>", "use only n training images", positive)
    .option("--limit-test <n>", "use only n test images; 0: no testing", wholeNumber())
    .option("--no-shuffle", "take the images in their order")
    .option(
      "--workers <n>",
      "threads that prepare images (default: half the cores)",
      wholeNumber({ least: 1, most: 64 }),
    )
    .optionsGroup("Network:")
    .option(
      "--init <how>",
      "weights to start from: default, xavier, a run's folder, or a file: .safetensors, PyTorch's .pth or .pt",
    )
    .option("--partial", "of the --init weights, load what fits and leave out the rest")
    .option(
      "--freeze <name...>",
      "parameters or modules that do not learn, such as features or 'conv*'",
    )
    .option("--dropout <p>", "probability of the dropout layers", share)
    .optionsGroup("Learning:")
    .option("--epochs <n>", "passes over the training images", positive)
    .option("--batch-size <n>", "images a step", positive)
    .addOption(choice("--optimizer <name>", "how weights are changed", optimizerNames))
    .option("--lr <x>", "learning rate", decimal())
    .option("--momentum <x>", "momentum of sgd", decimal({ most: 1 }))
    .option("--nesterov", "Nesterov's momentum (sgd)")
    .option("--weight-decay <x>", "pull of all weights towards 0", decimal())
    .option(
      "--label-smoothing <x>",
      "share of each target that is spread over all classes",
      share,
      0,
    )
    .option("--clip-grad-norm <x>", "limit on the norm of all gradients", decimal())
    .optionsGroup("Learning rate and end:")
    .addOption(choice("--schedule <name>", "course of the learning rate", scheduleNames, "none"))
    .option("--step-size <n>", "step: epochs from drop to drop (default: a third of all)", positive)
    .option("--gamma <x>", "step, plateau: what a drop multiplies by (default: 0.1)", share)
    .option(
      "--patience <n>",
      "plateau: epochs without progress before a drop (default: 2)",
      wholeNumber(),
    )
    .option(
      "--warmup <n>",
      "epochs in which the rate first rises from 0, such as 0.5",
      decimal(),
      0,
    )
    .option(
      "--early-stop <n>",
      "end after n epochs without a better one; needs --val-fraction",
      positive,
    )
    .option("--max-steps <n>", "end after n steps, also within an epoch", positive)
    .addOption(
      choice(
        "--on-nan <what>",
        "where loss or gradients are not finite: end, or leave the step out, which needs more memory",
        onNanChoices,
        "stop",
      ),
    )
    .optionsGroup("Run:")
    .option("--out <dir>", "folder to make for the results (default: none are kept)", path)
    .option("--force", "replace the run in --out")
    .option(
      "--checkpoint-every <n>",
      "keep where the training stands also within an epoch: 500 for every 500 steps, 10m for every 10 minutes (default: 10m; always after an epoch)",
      stepsOrMinutes,
    )
    .option(
      "--resume <run>",
      "go on with the run in this folder, exactly as if it had not been interrupted; with --epochs or --max-steps for longer",
      path,
    )
    .option("--seed <n>", "seed of all that is random", wholeNumber({ most: 2 ** 32 - 1 }), 0)
    .addOption(threadsOption())
    .addOption(convOption().default("auto"))
    .addOption(choice("--backend <name>", "what computes", backendNames, "native"))
    .addHelpText("after", () => `\n${examples}\n\n${sources()}\n\n${whichNetwork()}`)
    .action(async (model: string | undefined, options: Options, command: Command) => {
      if (options.resume !== undefined) {
        const given = Object.keys(options).filter(
          (name) => command.getOptionValueSource(name) === "cli",
        );
        const run = await resumedSettings(options.resume, model, options, given);
        return runTraining(run.settings, run.begun);
      }
      if (model === undefined) return command.error("error: missing required argument 'model'");
      return runTraining(resolveSettings(model, options));
    });
}

const examples = `Examples:
  fovea train lenet --out runs/lenet
  fovea train --resume runs/lenet               (goes on after Ctrl-C, a crash or a power cut)
  fovea train --resume runs/lenet --epochs 20   (goes on for longer)
  fovea train lenet --init runs/lenet --lr 0.1 --out runs/lenet-on   (starts from these weights)
  fovea train alexnet --augment light --schedule cosine --val-fraction 0.1 --out runs/alexnet

  Own pictures, in pets/cat/*.jpg and pets/dog/*.jpg, and what came of them (a fifth of them is
  for testing, unless there are pets/train/cat and pets/test/cat):
  fovea train vgg11-small --data folder:pets --resize 64 --augment light --init xavier \\
    --batch-size 4 --epochs 30 --out runs/pets
  fovea eval runs/pets
  fovea predict runs/pets photo.jpg`;

/** The networks with what is not given, those that are alike together. */
function sources(): string {
  const groups = new Map<string, string[]>();
  for (const [name, { input, training }] of Object.entries(models)) {
    const settings = `${dimensions(input)}; ${recipeInWords(training)}`;
    groups.set(settings, [...(groups.get(settings) ?? []), name]);
  }
  const rows = [...groups].map(([settings, names]) => `  ${names.join(", ")}:\n    ${settings}`);
  return `Networks, with the images and settings of their sources:\n${rows.join("\n")}`;
}

/** Networks for small colour images, and what they cost. */
function whichNetwork(): string {
  const image = [3, 64, 64] as const;
  const costs = ["vgg11-small", "googlenet", "vgg11"].map((name) => {
    const net = models[name]!.build({ inChannels: image[0], inputSize: [image[1], image[2]] });
    const { parameters, macs } = summarize(net, [1, ...image]);
    return `  ${name}: ${millions(parameters)} parameters, ${millions(macs)} multiply-adds`;
  });
  return [
    "Which one: for own pictures start with vgg11-small. As a rule, the more multiply-adds an image",
    `takes, the longer it trains; these are for ${dimensions(image)} (fovea summary NETWORK has them for other sizes):`,
    ...costs,
  ].join("\n");
}

const millions = (value: number) => `${(value / 1e6).toPrecision(3)} million`;
