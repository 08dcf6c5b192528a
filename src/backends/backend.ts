// The contract between plans and the machines that run them. A backend owns memory, knows the
// kernels of kernels.ts, and runs whole programs off the JavaScript thread. It knows nothing of
// tensors, gradients or networks. To write one: implement `Backend`, then run the conformance suite.

import type { TypedArray } from "../graph/dtype.js";
import type { ConvAlgorithm, KernelCall, Program } from "./kernels.js";

/** Memory that a backend owns. Freed by `dispose`, or when it is garbage collected. */
export interface DeviceBuffer {
  readonly bytes: number;
  dispose(): void;
}

export interface RunBindings {
  /**
   * One for each input buffer: host memory is copied before `run` returns, so that the caller may
   * reuse it at once.
   */
  readonly inputs: readonly (TypedArray | DeviceBuffer)[];
  /** One for each state buffer. Written in place. */
  readonly states: readonly DeviceBuffer[];
}

export interface RunResult {
  /** One for each output buffer; they belong to the caller. */
  readonly outputs: readonly DeviceBuffer[];
  /** Seconds that each call took, in order, when the run was asked to measure them. */
  readonly seconds?: Float64Array;
}

/** A loaded program. Its scratch memory lives as long as it does. */
export interface Executable {
  /**
   * Runs every call, in order. Runs of one backend happen one after the other, in the order in which
   * they were asked for, and never block the JavaScript thread. Rejects with `BackendError` when a
   * kernel meets a value that it cannot take; the calls after it have then not run.
   */
  run(bindings: RunBindings, options?: { readonly profile?: boolean }): Promise<RunResult>;
  dispose(): void;
}

/** The most that a machine does, under which a profile puts what its kernels do. */
export interface Peaks {
  /** Floating-point operations a second, a multiply-add being two, when nothing has to be fetched. */
  readonly flops: number;
  /** Bytes a second between memory and processor, when next to nothing is computed. */
  readonly bytesPerSecond: number;
}

/**
 * What a plan goes by. Results depend on it to the last bit: it says nothing of how fast a machine is or how
 * many threads it has.
 */
export interface Traits {
  /** Numbers of f32 in a vector. */
  readonly lanes: number;
  /** How it can compute convolutions; `direct` is among them. */
  readonly convolutions: readonly ConvAlgorithm[];
  /** Up to so many bytes of temporaries each has memory of its own; more than that share it in turn. */
  readonly apartBytes: number;
}

/** Which of a backend's algorithms plans may choose for convolutions: all of them, or `direct` alone. */
export const convolutionModes = ["auto", "direct"] as const;
export type ConvolutionMode = (typeof convolutionModes)[number];

export interface Backend {
  /** "reference", "native", … */
  readonly name: string;
  readonly traits: Traits;
  /** What runs, for people: "native avx2, 2 threads". */
  readonly description: string;
  /** Memory that this backend can still have, in bytes; undefined if it cannot tell. */
  availableMemory(): number | undefined;
  /** Scratch memory that the calls of a program need beside its buffers, in bytes. */
  scratchBytes(calls: readonly KernelCall[]): number;
  /** Measured with as many threads as kernels use, in less than a second; no backend must know it. */
  measurePeaks?(): Promise<Peaks>;
  /** Zeroed memory. */
  allocate(bytes: number): DeviceBuffer;
  /** Copies host memory in, in order with the runs; the host memory is copied before this returns. */
  write(buffer: DeviceBuffer, data: TypedArray): Promise<void>;
  /** Copies memory out, in order with the runs. */
  read(buffer: DeviceBuffer): Promise<ArrayBuffer>;
  /** Arena memory is shared among the executables of a backend: they never run at the same time. */
  load(program: Program): Executable;
  /** Ends the backend's threads and frees its memory, after what was asked for has run. */
  close(): Promise<void>;
}
