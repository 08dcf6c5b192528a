// The one description of what crosses from TypeScript to C++: codes, packed structs, kernels.
// encode.ts writes programs by it and abi-header.ts renders native/abi.h from it; nothing else says
// how a call is laid out. It is data only: no encoding, no memory.

import type { DType } from "../../graph/dtype.js";
import type {
  Activation,
  BinaryOp,
  BufferSpec,
  CompareOp,
  ConvAlgorithm,
  Instruction,
  KernelCall,
  ReduceCall,
  Source,
  UnaryOp,
} from "../kernels.js";

/** Named codes. `prefix` precedes each name in C++: { prefix: "k", codes: { f32: 0 } } is kF32. */
export const enums = {
  DType: {
    prefix: "k",
    codes: { f32: 0, i32: 1, u8: 2 } satisfies Record<DType, number>,
  },
  Activation: {
    prefix: "k",
    codes: { none: 0, relu: 1 } satisfies Record<Activation, number>,
  },
  ConvAlgorithm: {
    prefix: "kConv",
    codes: { direct: 0, winograd6: 1, winograd8: 2 } satisfies Record<ConvAlgorithm, number>,
  },
  BufferKind: {
    prefix: "kBuffer",
    codes: { arena: 0, state: 1, input: 2, output: 3, constant: 4 } satisfies Record<
      BufferSpec["kind"],
      number
    >,
  },
  SourceKind: {
    prefix: "kSource",
    /** `product`: what the kernel itself computed, the first source of an epilogue. */
    codes: { memory: 0, index: 1, constant: 2, product: 3 } satisfies Record<
      Source["kind"] | "product",
      number
    >,
  },
  ReduceOp: {
    prefix: "kReduce",
    codes: { sum: 0, max: 1, argmax: 2 } satisfies Record<ReduceCall["op"], number>,
  },
  Op: {
    prefix: "kOp",
    codes: {
      ...({
        neg: 0,
        abs: 1,
        exp: 2,
        log: 3,
        sqrt: 4,
        sin: 5,
        cos: 6,
        tanh: 7,
        sigmoid: 8,
        erf: 9,
        floor: 10,
        relu: 11,
      } satisfies Record<UnaryOp, number>),
      ...({ add: 12, sub: 13, mul: 14, div: 15, max: 16, min: 17, pow: 18 } satisfies Record<
        BinaryOp,
        number
      >),
      ...({ eq: 19, ne: 20, lt: 21, le: 22 } satisfies Record<CompareOp, number>),
      select: 23,
      toF32: 24,
      toI32: 25,
      uniform: 26,
    } satisfies Record<Instruction["op"], number>,
  },
} as const;

type EnumName = keyof typeof enums;

/**
 * A field of one or more 8-byte words: a number or boolean, a fixed list of them (a shorter one is
 * filled up with zeros), the code of a name, or a struct within the struct. An absent Operand is
 * written as buffer −1.
 */
export type FieldType = "int" | `int[${number}]` | EnumName | "Operand" | GeometryName;
type GeometryName = "ConvGeometry" | "PoolGeometry";

export type Fields = Readonly<Record<string, FieldType>>;

/** The most registers (sources and instructions) of an elementwise or reduce call. */
export const maxRegisters = 256;
/** The most results of an elementwise call or of an epilogue. */
export const maxResults = 64;

const geometryPairs = {
  inSize: "int[2]",
  outSize: "int[2]",
  kernelSize: "int[2]",
  stride: "int[2]",
  padding: "int[2]",
  dilation: "int[2]",
} as const satisfies Fields;

/** Structs that other structs and the program are made of. */
export const structs = {
  Operand: { buffer: "int", dtype: "DType", offset: "int", strides: "int[6]" },
  ConvGeometry: {
    batch: "int",
    inChannels: "int",
    outChannels: "int",
    groups: "int",
    ...geometryPairs,
  },
  PoolGeometry: { batch: "int", channels: "int", ...geometryPairs },

  // An encoded program: a header, its buffers, then each call as a CallHeader, the struct of its
  // kernel, and what follows that struct; constants last, at multiples of 64 bytes.
  ProgramHeader: { bufferCount: "int", callCount: "int", arenaBytes: "int" },
  /** `offset`: bytes, into the arena or (for a constant) into the encoded program. */
  BufferSpec: { kind: "BufferKind", index: "int", offset: "int", bytes: "int" },
  /** `words`: those of the call after this header. */
  CallHeader: { kernel: "int", words: "int" },

  // What follows ElementwiseArgs and ReduceArgs: their sources, instructions and results.
  // `value` is a register (a keyword in C++).
  /** A constant is the f32's bits or the i32, in `operand.offset`; an index uses offset and strides. */
  Source: { kind: "SourceKind", operand: "Operand" },
  Instruction: { op: "Op", dtype: "DType", args: "int[3]", stream: "int" },
  Result: { value: "int", operand: "Operand" },
} as const satisfies Readonly<Record<string, Fields>>;

/** Calls with an elementwise program. */
export type ProgramCall = Extract<KernelCall, { kernel: "elementwise" | "reduce" | "matmul" }>;
/** Calls whose struct is all there is to them: fields are named as in kernels.ts. */
export type FixedCall = Exclude<KernelCall, ProgramCall>;
type FixedFields<Call> = Readonly<Record<Exclude<keyof Call, "kernel" | "origin">, FieldType>>;
type CallOf<Name> = Extract<KernelCall, { kernel: Name }>;

export const fixedKernels: {
  readonly [Name in FixedCall["kernel"]]: FixedFields<Required<CallOf<Name>>>;
} = {
  conv2d: {
    geometry: "ConvGeometry",
    algorithm: "ConvAlgorithm",
    x: "Operand",
    w: "Operand",
    y: "Operand",
    bias: "Operand",
    activation: "Activation",
  },
  conv2dGradInput: {
    geometry: "ConvGeometry",
    algorithm: "ConvAlgorithm",
    gy: "Operand",
    w: "Operand",
    gx: "Operand",
    mask: "Operand",
  },
  conv2dGradWeight: {
    geometry: "ConvGeometry",
    algorithm: "ConvAlgorithm",
    x: "Operand",
    gy: "Operand",
    gw: "Operand",
    gbias: "Operand",
  },
  maxPool2d: { geometry: "PoolGeometry", x: "Operand", y: "Operand", index: "Operand" },
  maxPool2dGrad: { geometry: "PoolGeometry", gy: "Operand", index: "Operand", gx: "Operand" },
  avgPool2d: { geometry: "PoolGeometry", countPadding: "int", x: "Operand", y: "Operand" },
  avgPool2dGrad: { geometry: "PoolGeometry", countPadding: "int", gy: "Operand", gx: "Operand" },
  crossEntropy: {
    rows: "int",
    classes: "int",
    logits: "Operand",
    target: "Operand",
    loss: "Operand",
  },
  crossEntropyGrad: {
    rows: "int",
    classes: "int",
    logits: "Operand",
    target: "Operand",
    g: "Operand",
    glogits: "Operand",
  },
};

/** Calls with lists behind the struct: `sourceCount` sources, then instructions, then results. */
export const programKernels = {
  elementwise: {
    rank: "int",
    shape: "int[6]",
    sourceCount: "int",
    instructionCount: "int",
    resultCount: "int",
  },
  reduce: {
    op: "ReduceOp",
    rank: "int",
    shape: "int[6]",
    reduced: "int[6]",
    sourceCount: "int",
    instructionCount: "int",
    value: "int",
    result: "Operand",
  },
  /** The counts are those of its epilogue, 0 without one; the first source is the product. */
  matmul: {
    batch: "int",
    m: "int",
    n: "int",
    k: "int",
    a: "Operand",
    b: "Operand",
    c: "Operand",
    bias: "Operand",
    activation: "Activation",
    sourceCount: "int",
    instructionCount: "int",
    resultCount: "int",
  },
} as const satisfies Readonly<Record<ProgramCall["kernel"], Fields>>;

/** A kernel's number is its place here. */
export const kernelNames = Object.keys({
  ...programKernels,
  ...fixedKernels,
}) as readonly KernelCall["kernel"][];

export function kernelFields(name: KernelCall["kernel"]): Fields {
  return { ...programKernels, ...fixedKernels }[name] as Fields;
}
