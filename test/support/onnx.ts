// Exported networks in onnxruntime, and what an ONNX file says, read field by field.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { InferenceSession, Tensor as OnnxTensor } from "onnxruntime-node";
import { afterAll, beforeAll, expect } from "vitest";
import { encodeOnnx, type OnnxOptions } from "../../src/formats/index.js";
import {
  getBackend,
  nn,
  noGrad,
  openReference,
  randn,
  setBackend,
  type Tensor,
} from "../../src/index.js";

/** The whole file in memory. */
export async function onnxBytes(
  net: nn.Network,
  image: readonly number[],
  options?: OnnxOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeOnnx(net, image, options)) chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}

/** A model that onnxruntime has taken, from a file or from bytes. */
export async function openModel(model: string | Uint8Array): Promise<InferenceSession> {
  return typeof model === "string"
    ? InferenceSession.create(model)
    : InferenceSession.create(model);
}

/**
 * Runs images through the network in evaluation mode and through the model, which must give the same:
 * within `bound`, or `bound` of the largest number where that is more than 1. What they gave.
 */
export async function expectSame(
  net: nn.Network,
  model: InferenceSession,
  images: Tensor,
  bound: number,
): Promise<Float32Array> {
  const [inputName] = model.inputNames;
  const [outputName] = model.outputNames;
  net.eval();
  const wanted = nn.logitsOf(noGrad(() => net(images)));
  const values = (await wanted.data()) as Float32Array;
  const feed = new OnnxTensor("float32", (await images.data()) as Float32Array, images.shape);
  const got = (await model.run({ [inputName!]: feed }))[outputName!]!;
  expect(got.dims).toEqual(wanted.shape);
  const numbers = got.data as Float32Array;
  const size = Math.max(1, ...values.map(Math.abs));
  for (const [i, v] of values.entries()) {
    if (Number.isNaN(v) && Number.isNaN(numbers[i])) continue;
    expect(Math.abs(v - numbers[i]!), `element ${i}: ${v}`).toBeLessThanOrEqual(bound * size);
  }
  return values;
}

/** A function as a network. */
export class Fn extends nn.Module {
  constructor(private readonly fn: (x: Tensor) => Tensor) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return this.fn(x);
  }
}

/** Runs a test file's networks on the reference. */
export function useReference(): void {
  const before = getBackend();
  const reference = openReference();
  beforeAll(() => setBackend(reference));
  afterAll(async () => {
    setBackend(before);
    await reference.close();
  });
}

/**
 * Compares a network with its file for 1 and for 7 images: f32 sums of up to a few hundred products differ by
 * their order, by 1e-5 of the largest number. The file's operators.
 */
export async function checkOnnx(
  net: nn.Network,
  image: readonly number[],
): Promise<readonly string[]> {
  const bytes = await onnxBytes(net, image);
  const model = await openModel(bytes);
  for (const count of [1, 7]) await expectSame(net, model, randn([count, ...image]), 1e-5);
  await model.release();
  return readModel(bytes).operators;
}

// ---------------------------------------------------------------- what a file says

export interface ModelText {
  readonly producer: string;
  readonly irVersion: number;
  readonly opset: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly operators: readonly string[];
  /** Names of nodes, and of tensors inside. */
  readonly nodes: readonly string[];
  readonly initializers: readonly string[];
}

type Field = number | Uint8Array;

/** The fields of a message, by number. */
function fields(bytes: Uint8Array): Map<number, Field[]> {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, Field[]>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const values = found.get(number) ?? [];
    found.set(number, values);
    if (type === WireType.Varint) values.push(Number(reader.int64()));
    else if (type === WireType.Bit32) values.push(reader.float());
    else values.push(reader.bytes());
  }
  return found;
}

const text = (field: Field | undefined) => new TextDecoder().decode(field as Uint8Array);

/** Field numbers as in onnx.proto. */
export function readModel(bytes: Uint8Array): ModelText {
  const model = fields(bytes);
  const graph = fields(model.get(7)![0] as Uint8Array);
  const messages = (list: Field[] | undefined) =>
    (list ?? []).map((field) => fields(field as Uint8Array));
  const nodes = messages(graph.get(1));
  return {
    producer: text(model.get(2)?.[0]),
    irVersion: model.get(1)![0] as number,
    opset: messages(model.get(8))[0]!.get(2)![0] as number,
    metadata: Object.fromEntries(
      messages(model.get(14)).map((entry) => [text(entry.get(1)![0]), text(entry.get(2)![0])]),
    ),
    operators: nodes.map((node) => text(node.get(4)![0])),
    nodes: nodes.map((node) => text(node.get(3)![0])),
    initializers: messages(graph.get(5)).map((tensor) => text(tensor.get(8)![0])),
  };
}
