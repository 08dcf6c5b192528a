// Looks a program over before C++ sees it: every operand inside its buffer, every register there and
// of the right type. Kernels check nothing of this again; a mistake found here is one of the plan.

import { BackendError } from "../../errors.js";
import { byteSize, type DType } from "../../graph/dtype.js";
import {
  type ElementwiseCall,
  type Epilogue,
  type Instruction,
  type KernelCall,
  type MatmulCall,
  maxRank,
  type Program,
  type ReduceCall,
} from "../kernels.js";
import { extentOf, type OperandUse, operandsOf, takesWinograd } from "../operands.js";
import { kernelNames, maxRegisters, maxResults } from "./abi.js";

/** Throws BackendError naming the call and what is wrong with it. */
export function checkProgram(program: Program): void {
  for (const [i, spec] of program.buffers.entries()) {
    if (spec.kind === "arena" && (spec.offset % 64 !== 0 || spec.offset < 0)) {
      throw new BackendError(`load: buffer ${i}: arena offset ${spec.offset} is no multiple of 64`);
    }
    if (spec.kind === "arena" && spec.offset + spec.bytes > program.arenaBytes) {
      throw new BackendError(
        `load: buffer ${i}: ends at byte ${spec.offset + spec.bytes} of an arena of ` +
          `${program.arenaBytes} bytes`,
      );
    }
  }
  for (const [i, call] of program.calls.entries()) {
    const problem = problemOfCall(call, program);
    if (problem) throw new BackendError(`load: call ${i} (${call.kernel}): ${problem}`);
  }
}

function problemOfCall(call: KernelCall, program: Program): string | undefined {
  if (!kernelNames.includes(call.kernel)) return "unknown kernel";
  if (call.kernel === "elementwise" || call.kernel === "reduce") {
    const problem = problemOfBody(call, call.shape);
    if (problem) return problem;
  }
  if (call.kernel === "matmul") {
    const problem = problemOfEpilogue(call);
    if (problem) return problem;
  }
  if ("algorithm" in call && call.algorithm !== "direct" && !takesWinograd(call.geometry)) {
    return `${call.algorithm} takes kernels of 3×3 or 5×5 with stride and dilation 1 alone`;
  }
  for (const use of operandsOf(call)) {
    const problem = problemOfOperand(use, program);
    if (problem) return `${use.name}: ${problem}`;
  }
  return undefined;
}

// ---------------------------------------------------------------- operands

function problemOfOperand(use: OperandUse, program: Program): string | undefined {
  const { operand, shape, dtypes } = use;
  const spec = program.buffers[operand.buffer];
  if (!spec) return `there is no buffer ${operand.buffer}`;
  if (!dtypes.includes(operand.dtype))
    return `expected ${dtypes.join(" or ")}, got ${operand.dtype}`;
  if (operand.strides.length !== shape.length) {
    return `expected ${shape.length} strides, got ${operand.strides.length}`;
  }
  if (use.isWritten && (spec.kind === "input" || spec.kind === "constant")) {
    return `writes buffer ${operand.buffer}, which is an ${spec.kind}`;
  }
  if (shape.some((size) => !Number.isInteger(size) || size < 0)) return `shape [${shape}]`;
  const extent = extentOf(operand, shape);
  if (!extent) return undefined;
  const [first, last] = extent;
  const bytes = spec.kind === "constant" ? spec.data.byteLength : spec.bytes;
  const count = Math.floor(bytes / byteSize[operand.dtype]);
  if (first >= 0 && last < count) return undefined;
  return `covers elements ${first} to ${last} of buffer ${operand.buffer}, which has ${count}`;
}

// ---------------------------------------------------------------- sources and instructions

type RegisterType = "f32" | "i32";

function problemOfEpilogue(call: MatmulCall): string | undefined {
  if (!call.epilogue) return call.c ? undefined : "neither c nor an epilogue";
  if (call.c) return "both c and an epilogue";
  if (call.bias || call.activation !== "none") return "an epilogue beside a bias or activation";
  return problemOfBody(call.epilogue, [call.batch, call.m, call.n], ["f32"]);
}

/** `given`: registers before those of the sources. */
function problemOfBody(
  call: ElementwiseCall | ReduceCall | Epilogue,
  shape: readonly number[],
  given: readonly RegisterType[] = [],
): string | undefined {
  if (shape.length > maxRank) return `${shape.length} dimensions, at most ${maxRank}`;
  const count = given.length + call.sources.length + call.instructions.length;
  if (count > maxRegisters) return `${count} registers, at most ${maxRegisters}`;
  const ofSources = call.sources.map((source): RegisterType => {
    if (source.kind === "index") return "i32";
    return registerType(source.kind === "memory" ? source.operand.dtype : source.dtype);
  });
  const types: RegisterType[] = [...given, ...ofSources];
  for (const [i, source] of call.sources.entries()) {
    if (source.kind === "index" && source.strides.length !== shape.length) {
      return `source ${i}: expected ${shape.length} strides, got ${source.strides.length}`;
    }
  }
  for (const [i, instruction] of call.instructions.entries()) {
    const problem = problemOfInstruction(instruction, types);
    if (problem) return `instruction ${i} (${instruction.op}): ${problem}`;
    types.push(resultType(instruction));
  }
  return problemOfStores(call, types);
}

function registerType(dtype: DType): RegisterType {
  return dtype === "f32" ? "f32" : "i32";
}

function resultType({ op, dtype }: Instruction): RegisterType {
  if (op === "toI32" || op === "eq" || op === "ne" || op === "lt" || op === "le") return "i32";
  return op === "toF32" || op === "uniform" ? "f32" : dtype;
}

/** Instructions that take i32; toI32 alone is left out of those that take f32. */
const i32Ops: ReadonlySet<string> = new Set(
  "neg abs add sub mul max min eq ne lt le select toF32 uniform".split(" "),
);
const onlyI32Ops: ReadonlySet<string> = new Set(["toF32", "uniform"]);
const argumentCounts: Readonly<Record<string, number>> = {
  ...Object.fromEntries("add sub mul div max min pow eq ne lt le".split(" ").map((op) => [op, 2])),
  select: 3,
  uniform: 3,
};

function problemOfInstruction(
  { op, dtype, args }: Instruction,
  types: readonly RegisterType[],
): string | undefined {
  if (dtype === "i32" ? !i32Ops.has(op) : onlyI32Ops.has(op)) return `not for ${dtype}`;
  const expected = argumentCounts[op] ?? 1;
  if (args.length !== expected) return `expected ${expected} arguments, got ${args.length}`;
  for (const [i, arg] of args.entries()) {
    const type = types[arg];
    const wanted = op === "select" && i === 0 ? "i32" : dtype;
    if (!type) return `there is no register ${arg} yet`;
    if (type !== wanted) return `register ${arg} is ${type}, expected ${wanted}`;
  }
  return undefined;
}

function problemOfStores(
  call: ElementwiseCall | ReduceCall | Epilogue,
  types: readonly RegisterType[],
): string | undefined {
  const stores =
    "results" in call
      ? call.results.map(({ register, operand }) => ({ register, dtype: operand.dtype }))
      : [{ register: call.register, dtype: call.result.dtype }];
  if (stores.length === 0) return "nothing to store";
  if (stores.length > maxResults) return `${stores.length} results, at most ${maxResults}`;
  for (const { register, dtype } of stores) {
    const type = types[register];
    if (!type) return `there is no register ${register}`;
    const stored = "op" in call && call.op === "argmax" ? "i32" : type;
    if (stored !== registerType(dtype)) return `stores ${stored} register ${register} to ${dtype}`;
  }
  if ("reduced" in call && call.reduced.length !== call.shape.length) {
    return `expected ${call.shape.length} marks of reduced axes, got ${call.reduced.length}`;
  }
  return undefined;
}
