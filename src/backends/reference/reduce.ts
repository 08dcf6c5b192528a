// The reduce kernel: a program's register summed, or its maximum or the place of it, over some axes.
// Sums of f32 are taken in double precision and rounded once.

import type { ReduceCall } from "../kernels.js";
import type { Memory } from "./memory.js";
import { evaluate, registerTypes } from "./program.js";
import { denseStrides, pointCount, Walker } from "./walk.js";

/** Strides of a dense array over the axes where `keep` holds; 0 along the others. */
function stridesOver(shape: readonly number[], keep: readonly boolean[]): number[] {
  const strides = denseStrides(shape.map((size, d) => (keep[d] ? size : 1)));
  return strides.map((stride, d) => (keep[d] ? stride : 0));
}

export function reduce(call: ReduceCall, memory: Memory): void {
  const { op, shape, reduced } = call;
  const kept = reduced.map((isReduced) => !isReduced);
  const keptShape = shape.map((size, d) => (kept[d] ? size : 1));
  const isI32 = registerTypes("reduce", call.sources, call.instructions)[call.register] === "i32";
  const stored = op === "argmax" || isI32 ? "i32" : "f32";
  const result = memory.target("reduce: result", call.result, keptShape, stored);

  const outputs = pointCount(keptShape);
  const value = new Float64Array(outputs).fill(op === "sum" ? 0 : Number.NEGATIVE_INFINITY);
  const place = new Float64Array(outputs);
  const seen = new Uint8Array(outputs);
  const outputOf = new Walker(shape, 0, stridesOver(shape, kept));
  const placeOf = new Walker(shape, 0, stridesOver(shape, reduced));

  // The points of one output come in row-major order over the reduced axes: the first one wins.
  evaluate(memory, "reduce", shape, call.sources, call.instructions, (rows, count) => {
    const row = rows[call.register]!;
    for (let i = 0; i < count; i++) {
      const output = outputOf.next();
      const at = placeOf.next();
      const next = row[i]!;
      const best = value[output]!;
      if (op === "sum") {
        value[output] = isI32 ? (best + next) | 0 : best + next;
      } else if (!seen[output] || next > best || (Number.isNaN(next) && !Number.isNaN(best))) {
        seen[output] = 1;
        value[output] = next;
        place[output] = at;
      }
    }
  });

  const from = op === "argmax" ? place : value;
  const to = new Walker(keptShape, result.offset, result.strides);
  for (let output = 0; output < outputs; output++) result.data[to.next()] = from[output]!;
}
