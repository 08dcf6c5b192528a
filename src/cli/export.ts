// fovea export: the network of a run as a file for other programs. The formats are src/formats'; what is
// said beside the weights, so that others can prepare images as the run did, is put together here.

import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Command, Option } from "commander";
import { partTransforms } from "../data/pixels.js";
import { parseTransforms } from "../data/transforms/parse.js";
import { DataError } from "../errors.js";
import { exists } from "../formats/files.js";
import { writeOnnx, writeSafetensors } from "../formats/index.js";
import { type Classifier, load } from "../look/index.js";
import type { RunConfig } from "../train/config.js";
import { readWeights } from "../train/values.js";
import { useBackend } from "./backend.js";
import { UsageError } from "./errors.js";
import { path, wholeNumber } from "./options.js";
import { note, print } from "./print.js";
import { bytes } from "./text.js";
import { packageVersion } from "./version.js";

const formats = ["onnx", "safetensors"] as const;
type Format = (typeof formats)[number];

interface Options {
  readonly format?: Format;
  readonly out?: string;
  readonly batch?: number;
  readonly force?: boolean;
}

const help = `
The file says, in its metadata, how images are prepared: with the bytes of an image of height × width,
(byte / 255 - mean) / std of each channel, as [images, channels, height, width]; and it names the classes.`;

export function exportCommand(): Command {
  return new Command("export")
    .description("write the network of a run for other programs, as ONNX or as safetensors")
    .argument("<run>", "folder that fovea train wrote with --out")
    .addOption(
      new Option(
        "--format <format>",
        "what to write (default: by the ending of --out, or onnx)",
      ).choices([...formats]),
    )
    .option(
      "--out <file>",
      "file to write (default: the run's name and .onnx or .safetensors)",
      path,
    )
    .option(
      "--batch <n>",
      "ONNX for exactly n images at a time (default: any number)",
      wholeNumber({ least: 1 }),
    )
    .option("--force", "replace a file that is there")
    .addHelpText("after", help)
    .action(exportRun);
}

async function exportRun(run: string, options: Options): Promise<void> {
  const { out = "" } = options;
  const named = formats.find((format) => out.toLowerCase().endsWith(`.${format}`));
  const wanted = options.format ?? named ?? "onnx";
  if (/\.(pth?|bin)$/i.test(out))
    throw new UsageError(
      `--out ${out}: PyTorch's own format is not written; name it .safetensors, which ` +
        "safetensors.torch.load_file reads",
    );
  if (named !== undefined && named !== wanted)
    throw new UsageError(
      `--format ${wanted}, but --out ${out}: the name says ${named}; change it, or leave --format out`,
    );
  if (options.batch !== undefined && wanted !== "onnx")
    throw new UsageError("--batch: weights alone are for any number of images");
  const file = options.out ?? `${basename(resolve(run))}.${wanted}`;
  if (!options.force && (await exists(file)))
    throw new DataError(file, "is there already; choose another --out, or replace it with --force");
  // weights are only read and written: no kernel is needed
  const backend = await useBackend("reference", 1);
  try {
    const model = await load(run, { workers: 0 });
    await write[wanted](file, model, options);
    const { size } = await stat(file);
    note(`wrote ${file} (${bytes(size)})`);
    if (wanted === "onnx") print(tensors(model, options).join("\n"));
    await model.close();
  } finally {
    await backend.close();
  }
}

const write: Record<Format, (file: string, model: Classifier, options: Options) => Promise<void>> =
  {
    onnx: (file, { network, config }, { batch }) =>
      writeOnnx(file, network, imageOf(config), {
        metadata: metadataOf(config),
        ...(batch !== undefined && { batch }),
      }),
    safetensors: async (file, { network, config }) =>
      writeSafetensors(file, await readWeights(network), {
        format: "pt",
        ...metadataOf(config),
      }),
  };

const imageOf = ({ network: { inChannels, inputSize } }: RunConfig) => [inChannels, ...inputSize];

/** What goes in and what comes out. */
function tensors({ config, classNames }: Classifier, { batch }: Options): string[] {
  const count = batch ?? "batch";
  const { channels } = metadataOf(config);
  const normalize = normalizeOf(config);
  const values = normalize
    ? `(byte / 255 - mean) / std, mean ${normalize.mean.join(", ")}, std ${normalize.std.join(", ")}`
    : "byte / 255";
  return [
    `input   float32 [${[count, ...imageOf(config)].join(", ")}]: ${channels}, ${values}`,
    `logits  float32 [${count}, ${classNames.length}]`,
  ];
}

const normalizeOf = ({ network, transforms }: RunConfig) =>
  partTransforms(parseTransforms(transforms.eval), network.inChannels).normalize;

/** How images are prepared and what the classes are called; lists as JSON. */
function metadataOf(config: RunConfig) {
  const { inChannels, inputSize } = config.network;
  const normalize = normalizeOf(config);
  const perChannel = (value: number) => Array.from({ length: inChannels }, () => value);
  return {
    fovea: packageVersion,
    model: config.model,
    classes: JSON.stringify(config.classNames),
    channels: inChannels === 1 ? "grey" : "RGB",
    height: String(inputSize[0]),
    width: String(inputSize[1]),
    mean: JSON.stringify(normalize?.mean ?? perChannel(0)),
    std: JSON.stringify(normalize?.std ?? perChannel(1)),
    transforms: JSON.stringify(config.transforms.eval),
  };
}
