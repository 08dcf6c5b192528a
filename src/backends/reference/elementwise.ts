// The elementwise kernel: a program at every point of the iteration space, its results stored.

import { BackendError } from "../../errors.js";
import type { ElementwiseCall } from "../kernels.js";
import type { Memory } from "./memory.js";
import { evaluate, registerTypes } from "./program.js";
import { Walker } from "./walk.js";

export function elementwise(call: ElementwiseCall, memory: Memory): void {
  const types = registerTypes("elementwise", call.sources, call.instructions);
  const results = call.results.map(({ register, operand }, at) => {
    const type = types[register];
    if (type === undefined || (type === "f32") !== (operand.dtype === "f32")) {
      throw new BackendError(
        `elementwise: result ${at} stores ${type ?? "nothing"} (register ${register}) as ` +
          `${operand.dtype}`,
      );
    }
    const view = memory.target(`elementwise: result ${at}`, operand, call.shape);
    return { register, data: view.data, to: new Walker(call.shape, view.offset, view.strides) };
  });
  // A chunk is read entirely before it is stored, so that a result may be one of its own sources.
  evaluate(memory, "elementwise", call.shape, call.sources, call.instructions, (rows, count) => {
    for (const { register, data, to } of results) {
      const row = rows[register]!;
      for (let i = 0; i < count; i++) data[to.next()] = row[i]!;
    }
  });
}
