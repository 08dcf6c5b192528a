// ONNX files as bytes: protocol buffers with the fields of onnx.proto
// (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Weights are not gathered: lengths are known
// beforehand, and each tensor is written when its turn comes.

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ArgumentError } from "../../errors.js";
import { type Attribute, typeNumbers } from "./expression.js";
import type { Initializer, OnnxGraph, OnnxNode, OnnxValue } from "./model.js";

/** Every operator that is written is as this version of the operator set has it (ONNX 1.12, 2022). */
export const opsetVersion = 17;
/** The version of the format that came with it. */
const irVersion = 8;

/** Protocol buffers end there; runtimes read no longer ones. */
const mostBytes = 2 ** 31 - 1;

export interface ModelHead {
  readonly graphName: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * ModelProto, in pieces.
 *
 * @throws ArgumentError, at once, if it would be of 2 GiB or more.
 */
export function encodeModel(graph: OnnxGraph, head: ModelHead): AsyncIterable<Uint8Array> {
  const model = modelFields(head);
  const fields = graphFields(graph, head.graphName);
  const tensors = graph.initializers.map((tensor) => ({ tensor, prefix: tensorFields(tensor) }));
  const graphBytes = tensors.reduce(
    (sum, { tensor, prefix }) => sum + prefix.length + tensor.byteLength,
    fields.length,
  );
  const start = new BinaryWriter().raw(model).tag(7, WireType.LengthDelimited);
  const length = graphBytes <= mostBytes ? start.uint32(graphBytes).finish() : model;
  const total = length.length + graphBytes;
  if (total > mostBytes) {
    const size = (total / 2 ** 30).toFixed(1);
    throw new ArgumentError(
      "onnx",
      `the network needs a file of ${size} GiB, and ONNX files end at 2 GiB; export a smaller network`,
    );
  }
  return (async function* () {
    yield length;
    yield fields;
    for (const { tensor, prefix } of tensors) {
      yield prefix;
      yield await tensor.bytes();
    }
  })();
}

/** ModelProto, but for the graph. */
function modelFields({ metadata }: ModelHead): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(irVersion);
  text(writer, 2, "fovea");
  writer.tag(8, WireType.LengthDelimited).fork();
  writer.tag(2, WireType.Varint).int64(opsetVersion).join();
  for (const [key, value] of Object.entries(metadata)) {
    writer.tag(14, WireType.LengthDelimited).fork();
    text(text(writer, 1, key), 2, value).join();
  }
  return writer.finish();
}

/** GraphProto, but for the initializers. */
function graphFields({ nodes, input, output, values }: OnnxGraph, name: string): Uint8Array {
  const writer = new BinaryWriter();
  for (const node of nodes) {
    writer.tag(1, WireType.LengthDelimited).fork();
    nodeFields(writer, node).join();
  }
  text(writer, 2, name);
  valueFields(writer, 11, input);
  valueFields(writer, 12, output);
  for (const value of values) valueFields(writer, 13, value);
  return writer.finish();
}

/** NodeProto. */
function nodeFields(writer: BinaryWriter, node: OnnxNode): BinaryWriter {
  for (const input of node.inputs) text(writer, 1, input);
  text(writer, 2, node.output);
  text(writer, 3, node.name);
  text(writer, 4, node.operator);
  for (const [name, value] of Object.entries(node.attributes)) {
    writer.tag(5, WireType.LengthDelimited).fork();
    attributeFields(text(writer, 1, name), value).join();
  }
  return writer;
}

/** AttributeProto: the value, and which kind of value it is. */
function attributeFields(writer: BinaryWriter, value: Attribute): BinaryWriter {
  const kind = (type: number) => writer.tag(20, WireType.Varint).int32(type);
  if (typeof value === "number") {
    writer.tag(3, WireType.Varint).int64(value);
    return kind(2);
  }
  if ("float" in value) {
    writer.tag(2, WireType.Bit32).float(Math.fround(value.float));
    return kind(1);
  }
  for (const item of value) writer.tag(8, WireType.Varint).int64(item);
  return kind(7);
}

/** ValueInfoProto, with the TypeProto of a tensor in it. */
function valueFields(writer: BinaryWriter, field: number, { name, type, dims }: OnnxValue): void {
  text(writer.tag(field, WireType.LengthDelimited).fork(), 1, name);
  writer.tag(2, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Varint).int32(typeNumbers[type]);
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const dim of dims) {
    writer.tag(1, WireType.LengthDelimited).fork();
    if (typeof dim === "number") writer.tag(1, WireType.Varint).int64(dim);
    else if (dim !== undefined) text(writer, 2, dim);
    writer.join();
  }
  writer.join().join().join().join();
}

/** The tensor's field in the graph, its TensorProto's fields, and all of `raw_data` but the data. */
function tensorFields({ name, type, dims, byteLength }: Initializer): Uint8Array {
  const own = new BinaryWriter();
  for (const n of dims) own.tag(1, WireType.Varint).int64(n);
  own.tag(2, WireType.Varint).int32(typeNumbers[type]);
  text(own, 8, name).tag(9, WireType.LengthDelimited).uint32(byteLength);
  const fields = own.finish();
  const writer = new BinaryWriter().tag(5, WireType.LengthDelimited);
  return writer
    .uint32(fields.length + byteLength)
    .raw(fields)
    .finish();
}

const text = (writer: BinaryWriter, field: number, value: string) =>
  writer.tag(field, WireType.LengthDelimited).string(value);
