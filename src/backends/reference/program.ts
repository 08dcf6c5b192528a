// The interpreter of elementwise programs, a chunk of points at a time: each register is a row with
// one value a point (an i32 is exact in a double). Elementwise and reduce calls share it.

import { BackendError } from "../../errors.js";
import { uniform } from "../../graph/threefry.js";
import type { BinaryOp, CompareOp, Instruction, Source, UnaryOp } from "../kernels.js";
import { erf, pow, relu, sigmoid, toI32 } from "./functions.js";
import type { Memory } from "./memory.js";
import { pointCount, Walker } from "./walk.js";

const chunkSize = 1024;

type RegisterType = "f32" | "i32";
type Row = Float64Array;
type Unary = (a: number) => number;
type Binary = (a: number, b: number) => number;

const unaryF32: Record<UnaryOp, Unary> = {
  neg: (a) => -a,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  sigmoid,
  erf,
  floor: Math.floor,
  relu,
};
const unaryI32: Partial<Record<UnaryOp, Unary>> = {
  neg: (a) => -a | 0,
  abs: (a) => Math.abs(a) | 0,
};
const binaryF32: Record<BinaryOp, Binary> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
  pow,
};
const binaryI32: Partial<Record<BinaryOp, Binary>> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: Math.imul,
  max: Math.max,
  min: Math.min,
};
const compare: Record<CompareOp, Binary> = {
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
};

/** Computes one instruction for the first `count` points. */
type Step = (count: number) => void;

function unaryStep(f: Unary, a: Row, out: Row): Step {
  return (count) => {
    for (let i = 0; i < count; i++) out[i] = f(a[i]!);
  };
}

function binaryStep(f: Binary, a: Row, b: Row, out: Row): Step {
  return (count) => {
    for (let i = 0; i < count; i++) out[i] = f(a[i]!, b[i]!);
  };
}

function selectStep(condition: Row, a: Row, b: Row, out: Row): Step {
  return (count) => {
    for (let i = 0; i < count; i++) out[i] = condition[i] !== 0 ? a[i]! : b[i]!;
  };
}

function uniformStep(element: Row, seed: Row, step: Row, stream: number, out: Row): Step {
  return (count) => {
    for (let i = 0; i < count; i++) out[i] = uniform(seed[i]!, step[i]!, element[i]!, stream);
  };
}

/** Every f32 result is rounded, as if the arithmetic had been single precision. */
function rounded(step: Step, out: Row): Step {
  return (count) => {
    step(count);
    for (let i = 0; i < count; i++) out[i] = Math.fround(out[i]!);
  };
}

function stepOf(instruction: Instruction, rows: readonly Row[], out: Row): Step | undefined {
  const { op, dtype, args } = instruction;
  const [a, b, c] = args.map((register) => rows[register]!) as [Row, Row, Row];
  if (op === "select") return selectStep(a, b, c, out);
  if (op === "uniform") return uniformStep(a, b, c, instruction.stream, out);
  // Nothing to do but to round: an i32 is a number here.
  if (op === "toF32") return unaryStep((value) => value, a, out);
  if (op === "toI32") return unaryStep(toI32, a, out);
  if (op in compare) return binaryStep(compare[op as CompareOp], a, b, out);
  if (op in binaryF32) {
    const f = (dtype === "f32" ? binaryF32 : binaryI32)[op as BinaryOp];
    return f && binaryStep(f, a, b, out);
  }
  const f = (dtype === "f32" ? unaryF32 : unaryI32)[op as UnaryOp];
  return f && unaryStep(f, a, out);
}

function sourceType(source: Source): RegisterType {
  if (source.kind === "index") return "i32";
  const { dtype } = source.kind === "memory" ? source.operand : source;
  return dtype === "f32" ? "f32" : "i32";
}

/** The type of an instruction's result. */
function resultType({ op, dtype }: Instruction): RegisterType {
  if (op === "toF32" || op === "uniform") return "f32";
  if (op === "toI32" || op in compare) return "i32";
  return dtype;
}

/** The type of each register, the first `given` being f32; throws where an instruction reads one that is absent or of another. */
export function registerTypes(
  kernel: string,
  sources: readonly Source[],
  instructions: readonly Instruction[],
  given = 0,
): RegisterType[] {
  const types = [...Array<RegisterType>(given).fill("f32"), ...sources.map(sourceType)];
  instructions.forEach((instruction, at) => {
    instruction.args.forEach((register, position) => {
      // A condition is an i32, whatever it chooses between.
      const expected = instruction.op === "select" && position === 0 ? "i32" : instruction.dtype;
      if (types[register] !== expected) {
        throw new BackendError(
          `${kernel}: instruction ${at} (${instruction.op}) expects ${expected} in register ` +
            `${register}, got ${types[register] ?? "nothing"}`,
        );
      }
    });
    types.push(resultType(instruction));
  });
  return types;
}

/** Fills a source's row with its values at the next `count` points. */
function loader(
  memory: Memory,
  what: string,
  shape: readonly number[],
  source: Source,
  row: Row,
): Step {
  if (source.kind === "constant") {
    row.fill(source.dtype === "f32" ? memory.round(source.value) : source.value | 0);
    return () => {};
  }
  if (source.kind === "index") {
    const walker = new Walker(shape, source.offset, source.strides);
    return (count) => {
      for (let i = 0; i < count; i++) row[i] = walker.next() | 0;
    };
  }
  const { data, offset, strides } = memory.source(what, source.operand, shape);
  const walker = new Walker(shape, offset, strides);
  return (count) => {
    for (let i = 0; i < count; i++) row[i] = data[walker.next()]!;
  };
}

/**
 * Computes all registers at every point, in row-major order, and shows them a chunk at a time. The first
 * registers are `given`: an f32 for every point each.
 */
export function evaluate(
  memory: Memory,
  kernel: string,
  shape: readonly number[],
  sources: readonly Source[],
  instructions: readonly Instruction[],
  chunk: (registers: readonly Row[], count: number) => void,
  given: readonly ArrayLike<number>[] = [],
): void {
  registerTypes(kernel, sources, instructions, given.length);
  const rows: Row[] = [];
  const newRow = () => rows[rows.push(new Float64Array(chunkSize)) - 1]!;
  const steps = given.map((values): Step => {
    const row = newRow();
    let at = 0;
    return (count) => {
      for (let i = 0; i < count; i++) row[i] = values[at++]!;
    };
  });
  for (const [at, source] of sources.entries())
    steps.push(loader(memory, `${kernel}: source ${at}`, shape, source, newRow()));
  for (const instruction of instructions) {
    const out = new Float64Array(chunkSize);
    const step = stepOf(instruction, rows, out);
    if (!step) {
      throw new BackendError(`${kernel}: ${instruction.op} does not take ${instruction.dtype}`);
    }
    rows.push(out);
    const single = memory.precision === "f32" && resultType(instruction) === "f32";
    steps.push(single ? rounded(step, out) : step);
  }
  const points = pointCount(shape);
  for (let start = 0; start < points; start += chunkSize) {
    const count = Math.min(chunkSize, points - start);
    for (const step of steps) step(count);
    chunk(rows, count);
  }
}
