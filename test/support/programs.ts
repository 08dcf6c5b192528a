// Small programs and backends for the tests of backends.

import type { Backend } from "../../src/backends/backend.js";
import type { BufferSpec, Operand, Program } from "../../src/backends/kernels.js";
import { byteSize, type DType, type TypedArray } from "../../src/graph/dtype.js";

/** Row-major strides. */
export function dense(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const size of [...shape].reverse()) {
    strides.unshift(step);
    step *= size;
  }
  return strides;
}

export function operand(
  buffer: number,
  strides: readonly number[],
  dtype: DType = "f32",
  offset = 0,
): Operand {
  return { buffer, dtype, offset, strides };
}

/** Buffers of a program: inputs first, in order, then outputs of these sizes, in order. */
export function inputsAndOutputs(
  inputs: readonly TypedArray[],
  outputs: readonly { readonly dtype: DType; readonly length: number }[],
): BufferSpec[] {
  return [
    ...inputs.map(
      ({ byteLength }, index) => ({ kind: "input", index, bytes: byteLength }) as const,
    ),
    ...outputs.map(
      ({ dtype, length }, index) =>
        ({ kind: "output", index, bytes: length * byteSize[dtype] }) as const,
    ),
  ];
}

/** Runs a program once and reads its outputs. */
export async function runOnce(
  backend: Backend,
  program: Program,
  inputs: readonly TypedArray[],
): Promise<ArrayBuffer[]> {
  const executable = backend.load(program);
  const { outputs } = await executable.run({ inputs, states: [] });
  executable.dispose();
  const read = await Promise.all(outputs.map((output) => backend.read(output)));
  for (const output of outputs) output.dispose();
  return read;
}

/** A typed array of the same type, filled by `value`. */
export function filled<T extends TypedArray>(array: T, value: (i: number) => number): T {
  for (let i = 0; i < array.length; i++) array[i] = value(i);
  return array;
}

/** Numbers in [−1, 1) that are the same at each call, from a linear congruence. */
export function noise(length: number, seed = 1): Float32Array<ArrayBuffer> {
  let state = seed;
  return filled(new Float32Array(length), () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}
