// fovea draw: networks as pictures, one beside the other. Nothing is computed.

import { Command, InvalidArgumentError, Option } from "commander";
import { writeFileAtomic } from "../formats/index.js";
import { type DrawStyle, drawNetworks, type Subject } from "../look/draw/index.js";
import { svgAsPng } from "../look/draw/png.js";
import { blocks, drawables } from "../look/draw/subjects.js";
import { blaming, UsageError } from "./errors.js";
import { findNamedOrRun, type Named } from "./model.js";
import { type InputShape, inputFor, inputHelp, inputShape, wholeNumber } from "./options.js";
import { note } from "./print.js";

interface Options {
  readonly style: DrawStyle;
  readonly depth?: number;
  readonly input?: InputShape;
  readonly classes?: number;
  readonly out?: string;
}

export function drawCommand(): Command {
  return new Command("draw")
    .description("draw networks as a picture: layers, shapes and what feeds what")
    .argument(
      "<model...>",
      `networks as \`fovea summary\` lists them, folders of runs, or ${blockNames()}`,
    )
    .addOption(
      new Option("--style <style>", "stacked layers, or feature maps in perspective")
        .choices(["layers", "volumes"])
        .default("layers"),
    )
    .option(
      "--depth <n>",
      "show modules inside modules down to this level, what is deeper as one box",
      wholeNumber({ least: 1 }),
    )
    .option("--input <shape>", inputHelp, inputShape)
    .option(
      "--classes <n>",
      "how many classes they tell apart (default: the network's own)",
      wholeNumber({ least: 1 }),
    )
    .option(
      "--out <file>",
      ".svg or .png file, - for SVG to stdout (default: the names and .svg)",
      pictureFile,
    )
    .action(async (names: readonly string[], options: Options) => {
      const subjects: Subject[] = [];
      const files: string[] = [];
      for (const name of names) {
        const named = await findNamedOrRun("network or block", name, drawables);
        subjects.push(subjectOf(named, options));
        files.push(named.file);
      }
      const svg = blaming("--input", () => drawNetworks(subjects, options.style));
      const file = options.out ?? `${files.join("-")}.svg`;
      if (file === "-") {
        process.stdout.write(svg);
        return;
      }
      const content = isPng(file) ? await svgAsPng(svg) : new TextEncoder().encode(svg);
      await writeFileAtomic(file, [content]);
      note(`wrote ${file}`);
    });
}

function blockNames(): string {
  const names = Object.keys(blocks);
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

const isPng = (file: string) => /\.png$/i.test(file);

/** A parser for --out: what it ends in says what is written. */
function pictureFile(text: string): string {
  if (text === "-" || /\.svg$/i.test(text) || isPng(text)) return text;
  throw new InvalidArgumentError("Expected a name that ends in .svg or .png, or - for stdout.");
}

function subjectOf(named: Named, { input: given, classes, depth }: Options): Subject {
  const { build, input: own, model, title } = named;
  if (classes !== undefined && Object.hasOwn(blocks, model))
    throw new UsageError(`--classes: ${model} is a block, which tells no classes apart`);
  // two images, since statistics over a batch of one 1×1 map are not defined
  const input = inputFor(own, given, 2);
  const [, inChannels, height, width] = input;
  const images = { inChannels, inputSize: [height, width] as const };
  const net = blaming("--input", () => build({ ...images, numClasses: classes }));
  return { net, input, title, ...(depth !== undefined && { depth }) };
}
