// ONNX: networks for other runtimes (https://onnx.ai), with their weights. What is written follows from what
// a network computes, whatever modules it is made of: recording.ts takes it down as a graph, express.ts says
// what each node becomes, graph.ts puts it together, proto.ts writes it. Nothing is read here.

import { ArgumentError } from "../../errors.js";
import { checkShape, type Shape } from "../../graph/shape.js";
import type { Network } from "../../nn/outputs.js";
import { writeFileAtomic } from "../files.js";
import { GraphBuilder } from "./graph.js";
import { encodeModel } from "./proto.js";
import { recordTwice } from "./recording.js";

export { OnnxError } from "./expression.js";
export { opsetVersion } from "./proto.js";

export interface OnnxOptions {
  /** Exactly so many images at a time. Default: any number. */
  readonly batch?: number;
  /** What the images are called. Default: "input". */
  readonly inputName?: string;
  /** What the network's result is called. Default: "logits". */
  readonly outputName?: string;
  /** Texts by name, to be kept with the model: class names, say, or how images are to be prepared. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A network in evaluation mode as an ONNX model of opset 17, with its weights inside, under the names of its
 * state dict. It is taken down at once, its weights when they are written, one after the other.
 *
 * @param net Any classifier or other module from one tensor to one. Of logits with auxiliary ones, the
 *   first.
 * @param image The shape of what it takes, without the batch: [c, h, w].
 * @returns The file, in pieces.
 * @throws OnnxError naming the op and the layer for what ONNX has no form of; ArgumentError for a network
 *   that needs 2 GiB or more; ShapeError if the network does not take such images.
 * @example
 * let bytes = 0;
 * for await (const chunk of encodeOnnx(net, [1, 28, 28])) bytes += chunk.length;
 * bytes > 4 * 7850; // true
 */
export function encodeOnnx(
  net: Network,
  image: Shape,
  options: OnnxOptions = {},
): AsyncIterable<Uint8Array> {
  const { batch, inputName = "input", outputName = "logits", metadata = {} } = options;
  checkShape("onnx", image);
  if (batch !== undefined && !(Number.isSafeInteger(batch) && batch >= 1))
    throw new ArgumentError("onnx", `batch must be a whole number ≥ 1, got ${batch}`);
  if (inputName === outputName || inputName === "" || outputName === "")
    throw new ArgumentError("onnx", "the names of input and output must be two, and not empty");
  const recordings = recordTwice(net, image, batch);
  const graph = new GraphBuilder(net, recordings, inputName, outputName).finish();
  return encodeModel(graph, { graphName: net.constructor.name, metadata });
}

/**
 * Writes a network to an ONNX file, for onnxruntime and other runtimes: as `encodeOnnx` has it, whole or not
 * at all.
 *
 * @param file Its name, by custom with the ending .onnx; its folder must exist.
 * @throws As `encodeOnnx`; DataError if the file cannot be written.
 * @example
 * await writeOnnx("net.onnx", net, [1, 28, 28], { metadata: { classes: "cat, dog" } });
 */
export async function writeOnnx(
  file: string,
  net: Network,
  image: Shape,
  options: OnnxOptions = {},
): Promise<void> {
  await writeFileAtomic(file, encodeOnnx(net, image, options));
}
