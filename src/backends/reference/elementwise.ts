// The elementwise kernel: a program at every point of the iteration space, its results stored; and the same
// for the results of another kernel.

import { BackendError } from "../../errors.js";
import type { ElementwiseCall, Epilogue } from "../kernels.js";
import type { Memory } from "./memory.js";
import { evaluate, registerTypes } from "./program.js";
import { Walker } from "./walk.js";

export function elementwise(call: ElementwiseCall, memory: Memory): void {
  store("elementwise", call.shape, call, memory, []);
}

/** Runs an epilogue over `values`: a kernel's results, row-major in this shape. */
export function epilogue(
  kernel: string,
  shape: readonly number[],
  program: Epilogue,
  memory: Memory,
  values: ArrayLike<number>,
): void {
  store(kernel, shape, program, memory, [values]);
}

function store(
  kernel: string,
  shape: readonly number[],
  { sources, instructions, results }: Epilogue,
  memory: Memory,
  given: readonly ArrayLike<number>[],
): void {
  const types = registerTypes(kernel, sources, instructions, given.length);
  const targets = results.map(({ register, operand }, at) => {
    const type = types[register];
    if (type === undefined || (type === "f32") !== (operand.dtype === "f32")) {
      throw new BackendError(
        `${kernel}: result ${at} stores ${type ?? "nothing"} (register ${register}) as ` +
          `${operand.dtype}`,
      );
    }
    const view = memory.target(`${kernel}: result ${at}`, operand, shape);
    return { register, data: view.data, to: new Walker(shape, view.offset, view.strides) };
  });
  // A chunk is read entirely before it is stored, so that a result may be one of its own sources.
  const write = (rows: readonly Float64Array[], count: number) => {
    for (const { register, data, to } of targets) {
      const row = rows[register]!;
      for (let i = 0; i < count; i++) data[to.next()] = row[i]!;
    }
  };
  evaluate(memory, kernel, shape, sources, instructions, write, given);
}
