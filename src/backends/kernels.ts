// The kernels that every backend implements, as data. A plan is a flat list of these calls; nothing
// above a backend knows more about it, and nothing below a plan knows what a network is.
//
// Conventions
// - An `Operand` is a strided window into one of the program's buffers. Offsets and strides count
//   elements. A stride of 0 repeats an element; the stride of a dimension of size 1 means nothing.
//   Strides may be negative. The order of an operand's strides is stated by each call.
// - Nothing is assumed of an operand's layout: any strides are correct. Fast paths are a backend's
//   own business; convolutions and pools are planned with channels last (channel stride 1).
// - A result never overlaps an operand of the same call, except that an elementwise result may be
//   the very window (same buffer, offset, strides, dtype) of one of its sources.
// - Values: f32 arithmetic is IEEE single precision. Sums may be taken in any order that depends on
//   shape and build alone, never on timing or on the number of threads.

import type { DType, TypedArray } from "../graph/dtype.js";

export interface Operand {
  /** Index into `Program.buffers`. */
  readonly buffer: number;
  readonly dtype: DType;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** At most this many dimensions in an elementwise or reduce call (a plan merges what it can). */
export const maxRank = 6;

// ---------------------------------------------------------------- elementwise programs

/** Where a program's value comes from, at one point of the iteration space. */
export type Source =
  | { readonly kind: "memory"; readonly operand: Operand }
  /** The i32 number `offset + Σ index[d]·strides[d]` of the point itself. */
  | { readonly kind: "index"; readonly offset: number; readonly strides: readonly number[] }
  | { readonly kind: "constant"; readonly dtype: "f32" | "i32"; readonly value: number };

/** f32 → f32, one argument. `erf` is the error function; `relu(NaN)` is NaN. */
export type UnaryOp =
  | "neg"
  | "abs"
  | "exp"
  | "log"
  | "sqrt"
  | "sin"
  | "cos"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "floor"
  | "relu";
/** Both arguments of the instruction's dtype, result likewise. `max` and `min` pass NaN on. */
export type BinaryOp = "add" | "sub" | "mul" | "div" | "max" | "min" | "pow";
/** Both arguments of the instruction's dtype; the result is i32 0 or 1. */
export type CompareOp = "eq" | "ne" | "lt" | "le";

/**
 * One instruction. Registers are numbered from 0: first the sources in order, then each
 * instruction's result. A register holds an f32 or an i32 (u8 memory loads as i32 0…255, and an i32
 * stores to u8 as its low 8 bits; f32 registers store to f32 memory only, i32 to i32 or u8).
 *
 * `dtype` is that of the arguments. i32 supports neg, abs, add, sub, mul (wrapping), max, min,
 * comparisons, select and toF32; f32 supports all but toF32.
 */
export type Instruction =
  | { readonly op: UnaryOp; readonly dtype: "f32" | "i32"; readonly args: readonly [number] }
  | {
      readonly op: BinaryOp;
      readonly dtype: "f32" | "i32";
      readonly args: readonly [number, number];
    }
  | {
      readonly op: CompareOp;
      readonly dtype: "f32" | "i32";
      readonly args: readonly [number, number];
    }
  /** `args[0] ≠ 0 ? args[1] : args[2]`; args[0] is i32, the others are of `dtype`. */
  | {
      readonly op: "select";
      readonly dtype: "f32" | "i32";
      readonly args: readonly [number, number, number];
    }
  /** i32 → f32, rounded to nearest. */
  | { readonly op: "toF32"; readonly dtype: "i32"; readonly args: readonly [number] }
  /** f32 → i32, truncated towards zero; NaN gives 0, out of range saturates. */
  | { readonly op: "toI32"; readonly dtype: "f32"; readonly args: readonly [number] }
  /**
   * A uniform f32 in [0, 1): (word >>> 8) · 2^-24, word being the first output word of
   * Threefry-2x32-20 (Salmon et al., SC 2011) with key (args[1], args[2]) = (seed, step) and
   * counter (args[0], `stream`) = (element, stream). All arguments i32.
   */
  | {
      readonly op: "uniform";
      readonly dtype: "i32";
      readonly args: readonly [number, number, number];
      readonly stream: number;
    };

export interface ElementwiseCall {
  readonly kernel: "elementwise";
  /** The iteration space; every operand's strides follow it. */
  readonly shape: readonly number[];
  readonly sources: readonly Source[];
  readonly instructions: readonly Instruction[];
  /** Registers to store, and where. At least one. */
  readonly results: readonly { readonly register: number; readonly operand: Operand }[];
}

/**
 * The program's `register`, reduced over the axes marked in `reduced`. `sum` and `max` are f32 or
 * i32; `max` passes NaN on. `argmax` (register f32 or i32) gives the i32 position of the first
 * maximum (or of the first NaN), counted in row-major order over the reduced axes.
 * An empty sum is 0; plans never contain an empty max.
 */
export interface ReduceCall {
  readonly kernel: "reduce";
  readonly op: "sum" | "max" | "argmax";
  readonly shape: readonly number[];
  readonly reduced: readonly boolean[];
  readonly sources: readonly Source[];
  readonly instructions: readonly Instruction[];
  readonly register: number;
  /** Strides along reduced axes are 0. */
  readonly result: Operand;
}

// ---------------------------------------------------------------- linear algebra

/**
 * An elementwise program over the results of a kernel, run on each part of them as soon as it is finished.
 * Registers: first the kernel's result, then the sources, then the instructions. As in an elementwise call, a
 * result may be the very window of one of the program's sources, but nothing that the kernel itself reads.
 */
export interface Epilogue {
  readonly sources: readonly Source[];
  readonly instructions: readonly Instruction[];
  /** At least one. */
  readonly results: readonly { readonly register: number; readonly operand: Operand }[];
}

/**
 * c[b,i,j] = act( Σ_k a[b,i,k]·b[b,k,j] + bias[j] ), all f32. With an epilogue, whose operands' strides are
 * [batch, row, column] too, c itself is not stored, and there is neither bias nor activation.
 */
export interface MatmulCall {
  readonly kernel: "matmul";
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Strides: [batch, row, column] of each matrix. */
  readonly a: Operand;
  readonly b: Operand;
  /** Absent if, and only if, there is an epilogue. */
  readonly c?: Operand;
  /** Strides: [column]. */
  readonly bias?: Operand;
  readonly activation: Activation;
  readonly epilogue?: Epilogue;
}

export type Activation = "none" | "relu";

// ---------------------------------------------------------------- convolution

/** Sizes of a convolution, in PyTorch's terms; pairs are [height, width]. */
export interface ConvGeometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly inSize: readonly [number, number];
  readonly outSize: readonly [number, number];
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/**
 * How a convolution is computed. The plan chooses among those that the backend offers; a backend may only
 * honour or refuse. `winograd6` and `winograd8` are Winograd's minimal filtering (Lavin and Gray, 2016) with
 * input tiles of 6×6 and 8×8, for square kernels of side r = 3 or 5 with stride and dilation 1: a tile gives
 * m×m results with m = 7 − r or 9 − r. They multiply less than `direct` does and round more: errors of some 3
 * (winograd6) and 8 times (winograd8) its size, in the root of their mean square. A NaN or an infinity reaches all
 * results of the tiles that read it, and all of w's gradient between its channels. Channels, and tiles, that are
 * all 0 give exact zeros; elsewhere a sum of nothing but zeros, or the same sum at two places of a tile, is so only
 * but for rounding. Numbers beyond 1e35 may overflow on the way, results below 1e-35 lose digits.
 */
export type ConvAlgorithm = "direct" | "winograd6" | "winograd8";

/** y = act(x ⋆ w + bias). Strides: x, y [n, c, h, w]; w [outC, inC/groups, kh, kw]; bias [outC]. */
export interface Conv2dCall {
  readonly kernel: "conv2d";
  readonly geometry: ConvGeometry;
  readonly algorithm: ConvAlgorithm;
  readonly x: Operand;
  readonly w: Operand;
  readonly y: Operand;
  readonly bias?: Operand;
  readonly activation: Activation;
}

/**
 * The gradient of x, given that of y; operands as in conv2d. Positions no window reads get 0, and so do those
 * where `mask`, if given, is ≤ 0: the gradient of a ReLU whose result x (or anything of its sign) was.
 */
export interface Conv2dGradInputCall {
  readonly kernel: "conv2dGradInput";
  readonly geometry: ConvGeometry;
  readonly algorithm: ConvAlgorithm;
  readonly gy: Operand;
  readonly w: Operand;
  readonly gx: Operand;
  /** Strides: [n, c, h, w], as of x. */
  readonly mask?: Operand;
}

/**
 * The gradient of w, given x and the gradient of y; operands as in conv2d. `gbias`, if given, gets that of
 * the bias: the sums of gy over images and pixels.
 */
export interface Conv2dGradWeightCall {
  readonly kernel: "conv2dGradWeight";
  readonly geometry: ConvGeometry;
  readonly algorithm: ConvAlgorithm;
  readonly x: Operand;
  readonly gy: Operand;
  readonly gw: Operand;
  /** Strides: [outC]. */
  readonly gbias?: Operand;
}

// ---------------------------------------------------------------- pooling

/** Sizes of a pool. Windows may hang over the far edge (ceil mode); the part outside is ignored. */
export interface PoolGeometry {
  readonly batch: number;
  readonly channels: number;
  readonly inSize: readonly [number, number];
  readonly outSize: readonly [number, number];
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/**
 * y = the largest value of each window; the first one in row order on a tie; a NaN wins over all.
 * `index`, if given, gets its position inside the window, i·kernelWidth + j, as u8 or i32.
 * Strides: [n, c, h, w].
 */
export interface MaxPool2dCall {
  readonly kernel: "maxPool2d";
  readonly geometry: PoolGeometry;
  readonly x: Operand;
  readonly y: Operand;
  readonly index?: Operand;
}

/** gx: each gy added at the position its window chose; 0 elsewhere. */
export interface MaxPool2dGradCall {
  readonly kernel: "maxPool2dGrad";
  readonly geometry: PoolGeometry;
  readonly gy: Operand;
  readonly index: Operand;
  readonly gx: Operand;
}

/**
 * y = the mean of each window. With `countPadding` the divisor counts the positions of the window
 * that lie inside the padded input (PyTorch's count_include_pad), otherwise those inside the input.
 */
export interface AvgPool2dCall {
  readonly kernel: "avgPool2d";
  readonly geometry: PoolGeometry;
  readonly countPadding: boolean;
  readonly x: Operand;
  readonly y: Operand;
}

export interface AvgPool2dGradCall {
  readonly kernel: "avgPool2dGrad";
  readonly geometry: PoolGeometry;
  readonly countPadding: boolean;
  readonly gy: Operand;
  readonly gx: Operand;
}

// ---------------------------------------------------------------- loss

/**
 * loss[r] = log Σ_c exp(logits[r,c]) − logits[r, target[r]], one number a row.
 * A target outside [0, classes) makes the run fail with a BackendError before anything after this
 * call has run. Strides: logits [row, class]; target (i32), loss [row].
 */
export interface CrossEntropyCall {
  readonly kernel: "crossEntropy";
  readonly rows: number;
  readonly classes: number;
  readonly logits: Operand;
  readonly target: Operand;
  readonly loss: Operand;
}

/** glogits[r,c] = g[r] · (softmax(logits)[r,c] − [c = target[r]]). */
export interface CrossEntropyGradCall {
  readonly kernel: "crossEntropyGrad";
  readonly rows: number;
  readonly classes: number;
  readonly logits: Operand;
  readonly target: Operand;
  readonly g: Operand;
  readonly glogits: Operand;
}

/** What a call is for. Told to people only: no pass and no backend goes by it. */
export interface Origin {
  /** The module's dotted name; "" for what is done outside of the network's layers. */
  readonly layer: string;
  readonly pass: "forward" | "backward" | "update";
}

export type KernelCall = (
  | ElementwiseCall
  | ReduceCall
  | MatmulCall
  | Conv2dCall
  | Conv2dGradInputCall
  | Conv2dGradWeightCall
  | MaxPool2dCall
  | MaxPool2dGradCall
  | AvgPool2dCall
  | AvgPool2dGradCall
  | CrossEntropyCall
  | CrossEntropyGradCall
) & { readonly origin?: Origin };

// ---------------------------------------------------------------- programs

/** Memory that calls read and write. `bytes` is always a whole number of elements. */
export type BufferSpec =
  /** A window of the program's arena; windows of buffers that never live together may overlap. */
  | { readonly kind: "arena"; readonly offset: number; readonly bytes: number }
  /** Lasting memory, bound at each run: `RunBindings.states[index]`. */
  | { readonly kind: "state"; readonly index: number; readonly bytes: number }
  /** Read only, bound at each run: `RunBindings.inputs[index]`. */
  | { readonly kind: "input"; readonly index: number; readonly bytes: number }
  /** Written by this run and handed back: `outputs[index]`. */
  | { readonly kind: "output"; readonly index: number; readonly bytes: number }
  | { readonly kind: "constant"; readonly data: TypedArray };

/** A plan as a backend sees it. Calls run in order; each sees all that those before it wrote. */
export interface Program {
  readonly buffers: readonly BufferSpec[];
  /** Arena windows start at multiples of 64 bytes. */
  readonly arenaBytes: number;
  readonly calls: readonly KernelCall[];
}
