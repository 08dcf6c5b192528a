// fovea summary: shapes, parameters and work of a network, layer by layer. Nothing is computed.

import { Command } from "commander";
import { type Summary, summarize } from "../nn/index.js";
import { findModel } from "./model.js";
import { inputShape } from "./options.js";
import { bytes, grouped, table } from "./text.js";

export function summaryCommand(): Command {
  return new Command("summary")
    .description("print every layer of a network: output shape, parameters, work")
    .argument("<model>", "such as alexnet")
    .option("--input <shape>", "such as 1x1x224x224 (default: the network's own)", inputShape)
    .option("--json", "for programs")
    .action((model: string, options: { input?: number[]; json?: boolean }) => {
      const spec = findModel(model);
      const input = options.input ?? [1, ...spec.input];
      const summary = summarize(spec.build({ inChannels: input[1]! }), input);
      const lines = options.json ? [asJson(model, summary)] : asText(summary);
      process.stdout.write(`${lines.join("\n")}\n`);
    });
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
