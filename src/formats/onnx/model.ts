// What an ONNX file holds, as data: the graph, its names, its tensors.

import { sizeOf } from "../../graph/shape.js";
import type { Attributes, Numbers, OnnxType } from "./expression.js";

/** A dimension: a number, the size of the batch, or what is only known when it runs. */
export type Dim = number | "batch" | undefined;

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly Dim[];
}

/** An operator at its place in the graph. */
export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Attributes;
}

/** A tensor inside the file. Its values are asked for when they are written, and not kept. */
export interface Initializer {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly byteLength: number;
  bytes(): Promise<Uint8Array>;
}

export interface OnnxGraph {
  readonly input: OnnxValue;
  readonly output: OnnxValue;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  /** Shapes of what lies between, for people who look at the file. */
  readonly values: readonly OnnxValue[];
}

/** Little-endian, as every machine that Node runs on has it. */
const arrays: Record<OnnxType, (values: readonly number[]) => ArrayBufferView<ArrayBuffer>> = {
  FLOAT: (values) => Float32Array.from(values),
  UINT8: (values) => Uint8Array.from(values),
  BOOL: (values) => Uint8Array.from(values),
  INT32: (values) => Int32Array.from(values),
  INT64: (values) => BigInt64Array.from(values, BigInt),
};

const asBytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** A tensor whose values `read` gives. */
export function tensorOf(
  name: string,
  type: OnnxType,
  dims: readonly number[],
  read: () => Promise<ArrayBufferView>,
): Initializer {
  const byteLength = sizeOf(dims) * arrays[type]([0]).byteLength;
  return { name, type, dims, byteLength, bytes: async () => asBytes(await read()) };
}

/** A tensor of a few numbers. */
export function numbersOf(name: string, { type, scalar, values }: Numbers): Initializer {
  return tensorOf(name, type, scalar ? [] : [values.length], async () => arrays[type](values));
}
