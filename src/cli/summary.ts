// fovea summary: shapes, parameters and work of a network, layer by layer; or the list of all networks.
// Nothing is computed.

import { Command } from "commander";
import { grouped } from "../look/numbers.js";
import { models } from "../models/index.js";
import { type Summary, summarize } from "../nn/index.js";
import { blaming, UsageError } from "./errors.js";
import { findNamedOrRun } from "./model.js";
import { type InputShape, inputFor, inputHelp, inputShape, wholeNumber } from "./options.js";
import { print } from "./print.js";
import { bytes, dimensions, table } from "./text.js";

interface Options {
  readonly input?: InputShape;
  readonly classes?: number;
  readonly json?: boolean;
}

export function summaryCommand(): Command {
  return new Command("summary")
    .description(
      "print every layer of a network: output shape, parameters, work; or list all networks",
    )
    .argument(
      "[model]",
      "a network of the list, which comes when none is named, or the folder of a run",
    )
    .option("--input <shape>", inputHelp, inputShape)
    .option(
      "--classes <n>",
      "how many classes it tells apart (default: the network's own)",
      wholeNumber({ least: 1 }),
    )
    .option("--json", "for programs")
    .action(async (model: string | undefined, options: Options) => {
      const lines = model === undefined ? listing(options) : await layers(model, options);
      print(lines.join("\n"));
    });
}

async function layers(name: string, options: Options): Promise<string[]> {
  const { model, ...spec } = await findNamedOrRun("model", name, models);
  const input = inputFor(spec.input, options.input, 1);
  const [, inChannels, height, width] = input;
  const images = { inChannels, inputSize: [height, width] as const };
  const summary = blaming("--input", () =>
    summarize(spec.build({ ...images, numClasses: options.classes }), input),
  );
  return options.json ? [asJson(model, summary)] : asText(summary);
}

/** All networks: what they take and give, how large they are, where they come from. */
function listing({ input, classes, json }: Options): string[] {
  if (input || classes)
    throw new UsageError(`${input ? "--input" : "--classes"} needs a network; name one`);
  const rows = Object.entries(models).map(([model, spec]) => ({
    model,
    input: spec.input,
    numClasses: spec.numClasses,
    parameters: summarize(spec.build(), [1, ...spec.input]).parameters,
    source: spec.source,
  }));
  if (json) return [JSON.stringify(rows)];
  return table(
    ["network", "images", "classes", "parameters", "source"],
    rows.map((row) => [
      row.model,
      dimensions(row.input),
      String(row.numClasses),
      grouped(row.parameters),
      row.source,
    ]),
    new Set([2, 3]),
  );
}

function asJson(model: string, { input, layers, parameters }: Summary): string {
  const rows = layers.map(({ name, type, outputShape, parameters, macs }) => ({
    name,
    type,
    outputShape,
    parameters,
    macs,
  }));
  return JSON.stringify({ model, input, layers: rows, parameters });
}

/** The lines that the notebooks' loop over the children prints, then a table of all layers. */
function asText({ children, layers, parameters, macs }: Summary): string[] {
  const show = (shape: readonly number[]) => `[${shape.join(", ")}]`;
  const activations = layers.reduce((sum, layer) => sum + layer.activationBytes, 0);
  const head = ["layer", "type", "output shape", "parameters", "multiply-adds", "activation"];
  const rows = layers.map((layer) => [
    layer.name,
    layer.type,
    show(layer.outputShape),
    grouped(layer.parameters),
    grouped(layer.macs),
    bytes(layer.activationBytes),
  ]);
  const total = ["total", "", "", grouped(parameters), grouped(macs), bytes(activations)];
  return [
    ...children.map(({ label, outputShape }) => `${label} output shape: ${show(outputShape)}`),
    "",
    ...table(head, [...rows, total], new Set([3, 4, 5])),
  ];
}
