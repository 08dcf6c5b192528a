// Writes a program as the words that the addon keeps and its kernels read, laid out by abi.ts. It
// trusts its input: check.ts has looked at it before.

import type { DType } from "../../graph/dtype.js";
import {
  type ElementwiseCall,
  type Epilogue,
  type Instruction,
  type KernelCall,
  type MatmulCall,
  maxRank,
  type Operand,
  type Program,
  type ReduceCall,
  type Source,
} from "../kernels.js";
import { enums, type Fields, type FieldType, kernelFields, kernelNames, structs } from "./abi.js";

const constantAlignment = 64;

/** The whole program in one buffer; the bytes of its constants follow the words. */
export function encodeProgram(program: Program): ArrayBuffer {
  const words: number[] = [];
  writeStruct(words, structs.ProgramHeader, {
    bufferCount: program.buffers.length,
    callCount: program.calls.length,
    arenaBytes: program.arenaBytes,
  });
  const calls = encodeCalls(program.calls);
  const specWords = Object.keys(structs.BufferSpec).length;
  const wordCount = words.length + specWords * program.buffers.length + calls.length;
  let end = align(8 * wordCount);
  const constants: { offset: number; data: Uint8Array }[] = [];
  for (const spec of program.buffers) {
    if (spec.kind === "constant") {
      const { buffer, byteOffset, byteLength } = spec.data;
      constants.push({ offset: end, data: new Uint8Array(buffer, byteOffset, byteLength) });
      writeStruct(words, structs.BufferSpec, { kind: "constant", offset: end, bytes: byteLength });
      end = align(end + byteLength);
    } else {
      writeStruct(words, structs.BufferSpec, spec);
    }
  }
  const encoded = new ArrayBuffer(end);
  new BigInt64Array(encoded, 0, wordCount).set([...words, ...calls].map(BigInt));
  const bytes = new Uint8Array(encoded);
  for (const { offset, data } of constants) bytes.set(data, offset);
  return encoded;
}

/** Calls alone, as they stand in a program: each with its header. */
export function encodeCalls(calls: readonly KernelCall[]): number[] {
  const words: number[] = [];
  for (const call of calls) {
    const body = encodeCall(call);
    writeStruct(words, structs.CallHeader, {
      kernel: kernelNames.indexOf(call.kernel),
      words: body.length,
    });
    for (const word of body) words.push(word);
  }
  return words;
}

function encodeCall(call: KernelCall): number[] {
  const words: number[] = [];
  if (call.kernel === "elementwise" || call.kernel === "reduce") encodeWithProgram(words, call);
  else if (call.kernel === "matmul") encodeMatmul(words, call);
  else writeStruct(words, kernelFields(call.kernel), call);
  return words;
}

/** The struct of the call, then its sources, instructions and (elementwise) results. */
function encodeWithProgram(words: number[], call: ElementwiseCall | ReduceCall): void {
  writeStruct(words, kernelFields(call.kernel), {
    ...call,
    rank: call.shape.length,
    sourceCount: call.sources.length,
    instructionCount: call.instructions.length,
    ...(call.kernel === "reduce" ? { value: call.register } : { resultCount: call.results.length }),
  });
  writeBody(words, call);
  if (call.kernel === "elementwise") writeResults(words, call.results);
}

function encodeMatmul(words: number[], call: MatmulCall): void {
  const { epilogue } = call;
  writeStruct(words, kernelFields(call.kernel), {
    ...call,
    sourceCount: epilogue ? 1 + epilogue.sources.length : 0,
    instructionCount: epilogue?.instructions.length ?? 0,
    resultCount: epilogue?.results.length ?? 0,
  });
  if (!epilogue) return;
  writeStruct(words, structs.Source, { kind: "product", operand: absentOperand });
  writeBody(words, epilogue);
  writeResults(words, epilogue.results);
}

function writeBody(
  words: number[],
  { sources, instructions }: Pick<Epilogue, "sources" | "instructions">,
): void {
  for (const source of sources) {
    writeStruct(words, structs.Source, { kind: source.kind, operand: sourceOperand(source) });
  }
  for (const instruction of instructions) {
    const stream = instruction.op === "uniform" ? instruction.stream : 0;
    writeStruct(words, structs.Instruction, { ...(instruction as Instruction), stream });
  }
}

function writeResults(words: number[], results: Epilogue["results"]): void {
  for (const { register, operand } of results) {
    writeStruct(words, structs.Result, { value: register, operand });
  }
}

/** Every source in the form of an operand; see abi.ts on Source. */
function sourceOperand(source: Source): Operand {
  if (source.kind === "memory") return source.operand;
  if (source.kind === "index") return { buffer: -1, dtype: "i32", ...source };
  return {
    buffer: -1,
    dtype: source.dtype,
    offset: source.dtype === "f32" ? floatBits(source.value) : source.value | 0,
    strides: [],
  };
}

function floatBits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

const absentOperand: Operand = { buffer: -1, dtype: "f32" satisfies DType, offset: 0, strides: [] };

/** Appends `value` field by field. A field that is not there is 0, or an absent operand. */
function writeStruct(words: number[], fields: Fields, value: object): void {
  const values = value as Readonly<Record<string, unknown>>;
  for (const [name, type] of Object.entries(fields)) writeField(words, type, values[name]);
}

function writeField(words: number[], type: FieldType, value: unknown): void {
  if (type === "Operand") {
    const { strides, ...operand } = (value ?? absentOperand) as Operand;
    const padding = Array<number>(maxRank - strides.length).fill(0);
    writeStruct(words, structs.Operand, { ...operand, strides: [...strides, ...padding] });
  } else if (type === "ConvGeometry" || type === "PoolGeometry") {
    writeStruct(words, structs[type], value as object);
  } else if (type in enums) {
    const codes: Readonly<Record<string, number>> = enums[type as keyof typeof enums].codes;
    words.push(codes[value as string]!);
  } else if (Array.isArray(value)) {
    const length = Number(/\d+/.exec(type)?.[0]);
    for (let i = 0; i < length; i++) words.push(Number(value[i] ?? 0));
  } else {
    words.push(Number(value ?? 0));
  }
}

function align(bytes: number): number {
  return Math.ceil(bytes / constantAlignment) * constantAlignment;
}
