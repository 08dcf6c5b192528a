// What a node becomes in ONNX, as data: an operator over nodes, numbers and other operators. Every row of
// the tables beside this file is a function from a node to an expression; it knows nothing of files, names,
// or of batches of any size (graph.ts).

import { FoveaError } from "../../errors.js";
import type { DType } from "../../graph/dtype.js";
import type { Node } from "../../graph/node.js";

/** Element types, by their names in TensorProto.DataType. */
export type OnnxType = "FLOAT" | "UINT8" | "INT32" | "INT64" | "BOOL";

/** Fovea's element types as ONNX has them. */
export const onnxType: Record<DType, OnnxType> = { f32: "FLOAT", i32: "INT32", u8: "UINT8" };

export type Expression = Node | Numbers | Operation;

/** A few numbers that are known: a scalar, or a list. */
export interface Numbers {
  readonly type: OnnxType;
  readonly scalar: boolean;
  readonly values: readonly number[];
}

/** An operator of ONNX's default domain. */
export interface Operation {
  readonly operator: string;
  readonly inputs: readonly Expression[];
  readonly attributes: Attributes;
}

/** Numbers are INT or INTS, unless they are wrapped to be FLOAT. */
export type Attribute = number | readonly number[] | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

/** `onnx("Add", [a, b])`. */
export const onnx = (
  operator: string,
  inputs: readonly Expression[],
  attributes: Attributes = {},
): Operation => ({ operator, inputs, attributes });

export const scalar = (value: number, type: OnnxType): Numbers => ({
  type,
  scalar: true,
  values: [value],
});

/** Shapes, axes, bounds: ONNX takes them as INT64. */
export const list = (values: readonly number[]): Numbers => ({
  type: "INT64",
  scalar: false,
  values,
});

/** Source: TensorProto.DataType of onnx.proto. */
export const typeNumbers: Record<OnnxType, number> = {
  FLOAT: 1,
  UINT8: 2,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
};

export const castTo = (type: OnnxType): Attributes => ({ to: typeNumbers[type] });

export const cast = (x: Expression, type: OnnxType): Operation => onnx("Cast", [x], castTo(type));

export const isNode = (x: Expression): x is Node => "op" in x;
export const isNumbers = (x: Expression): x is Numbers => "values" in x;

/** Something in a network that cannot be said in ONNX. */
export class OnnxError extends FoveaError {
  override readonly name = "OnnxError";
  constructor(
    /** What cannot be exported: an op's name, say. */
    readonly op: string,
    /** Where: the layer's dotted name; empty for the network itself. */
    readonly layer: string,
    readonly problem: string,
  ) {
    super(`onnx: ${op}${layer === "" ? "" : ` in layer ${layer}`} ${problem}`);
  }
}
