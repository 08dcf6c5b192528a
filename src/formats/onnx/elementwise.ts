// Elementwise ops in ONNX: one row for each instruction of the kernels' vocabulary. ONNX broadcasts by
// itself, so that operands that are merely repeated go in as they are.

import type { Instruction } from "../../backends/kernels.js";
import type { BareInstruction, Node } from "../../graph/node.js";
import { broadcastShapes, sameShape } from "../../graph/shape.js";
import { cast, type Expression, onnx, onnxType } from "./expression.js";
import { unrepeated } from "./views.js";

type Row = (inputs: readonly Expression[]) => Expression;

const operator =
  (name: string): Row =>
  (inputs) =>
    onnx(name, inputs);

/** Comparisons give BOOL. `uniform` has no row: ONNX draws other random numbers. */
const rows: Record<Instruction["op"], Row | undefined> = {
  neg: operator("Neg"),
  abs: operator("Abs"),
  exp: operator("Exp"),
  log: operator("Log"),
  sqrt: operator("Sqrt"),
  sin: operator("Sin"),
  cos: operator("Cos"),
  tanh: operator("Tanh"),
  sigmoid: operator("Sigmoid"),
  erf: operator("Erf"),
  floor: operator("Floor"),
  relu: operator("Relu"),
  add: operator("Add"),
  sub: operator("Sub"),
  mul: operator("Mul"),
  div: operator("Div"),
  max: operator("Max"),
  min: operator("Min"),
  pow: operator("Pow"),
  eq: operator("Equal"),
  ne: (inputs) => onnx("Not", [onnx("Equal", inputs)]),
  lt: operator("Less"),
  le: operator("LessOrEqual"),
  select: operator("Where"),
  toF32: ([x]) => cast(x!, "FLOAT"),
  toI32: ([x]) => cast(x!, "INT32"),
  uniform: undefined,
};

const comparisons: ReadonlySet<string> = new Set(["eq", "ne", "lt", "le"]);

/** The node as an expression; undefined if it has none, or is not elementwise. */
export function elementwise(node: Node): Expression | undefined {
  const instruction = instructionOf(node);
  // between u8 and i32 there is no instruction
  if (instruction === "none") return cast(node.inputs[0]!, onnxType[node.dtype]);
  const row = instruction && rows[instruction.op];
  if (!row) return undefined;
  const result = row(operandsOf(node, instruction.op === "select"));
  // a truth value, or a conversion that goes on to u8
  const goesOn =
    comparisons.has(instruction.op) || (instruction.op === "toI32" && node.dtype === "u8");
  return goesOn ? cast(result, onnxType[node.dtype]) : result;
}

function instructionOf(node: Node): BareInstruction | "none" | undefined {
  const { lower } = node.op;
  return lower.kind === "elementwise" ? (lower.instruction(node) ?? "none") : undefined;
}

/**
 * The inputs, without repeating what ONNX repeats by itself: all of it, or all but the last. Of a selection,
 * the first is a condition.
 */
function operandsOf(node: Node, selects = false): Expression[] {
  const sources = node.inputs.map((x, i) => (selects && i === 0 ? conditionOf(x) : unrepeated(x)));
  const shape = sources.map((x) => x.shape).reduce((a, b) => broadcastShapes("onnx", a, b), []);
  if (!sameShape(shape, node.shape)) sources[sources.length - 1] = node.inputs.at(-1)!;
  const [first, ...rest] = sources as [Node, ...Node[]];
  return [selects ? truthOf(first) : first, ...rest];
}

/** What a condition was made from: a comparison, most often. (To u8 a number could become 0.) */
function conditionOf(node: Node): Node {
  const x = unrepeated(node);
  return x.dtype === "i32" && instructionOf(x) === "none" ? conditionOf(x.inputs[0]!) : x;
}

/** A number that counts as true or false, as BOOL: a comparison itself where it is one. */
function truthOf(node: Node): Expression {
  const instruction = instructionOf(node);
  return instruction && instruction !== "none" && comparisons.has(instruction.op)
    ? rows[instruction.op]!(operandsOf(node))
    : cast(node, "BOOL");
}
