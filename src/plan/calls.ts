// The kernel calls of a draft, as they are made one after the other: programs become calls of as few
// dimensions as there need be, and each call is told what it is for.

import {
  type ElementwiseCall,
  type KernelCall,
  maxRank,
  type Operand,
  type Origin,
  type ReduceCall,
} from "../backends/kernels.js";
import { ArgumentError } from "../errors.js";
import type { Shape } from "../graph/shape.js";
import { mergeElementwise, mergeReduce } from "./dimensions.js";
import type { ElementwiseProgram } from "./program.js";

export class Calls {
  readonly made: KernelCall[] = [];
  /** What the calls that come next are for. */
  origin: Origin | undefined;

  add(...calls: readonly KernelCall[]): void {
    const { origin } = this;
    this.made.push(...(origin ? calls.map((call) => ({ ...call, origin })) : calls));
  }

  /** Writes what a program computes at each point of `shape` to `operand`. */
  addElementwise(
    shape: Shape,
    { sources, instructions, register }: ElementwiseProgram,
    operand: Operand,
  ): void {
    const results: ElementwiseCall["results"] = [{ register, operand }];
    this.add(...mergeElementwise({ kernel: "elementwise", shape, sources, instructions, results }));
  }

  /**
   * Writes what a program computes at each point of `shape`, reduced over `axes`, to `operand`, which has size 1
   * there. False where no call has so many dimensions: over row-major memory there are few enough.
   */
  addReduce(
    op: ReduceCall["op"],
    shape: Shape,
    axes: readonly number[],
    { sources, instructions, register }: ElementwiseProgram,
    operand: Operand,
  ): boolean {
    const reduced = shape.map((_, d) => axes.includes(d));
    const strides = operand.strides.map((s, d) => (reduced[d] ? 0 : s));
    const result = { ...operand, strides };
    const calls = mergeReduce({
      kernel: "reduce",
      op,
      shape,
      reduced,
      sources,
      instructions,
      register,
      result,
    });
    if (calls) this.add(...calls);
    // in row-major memory neighbours are one dimension: of twice as many, few enough are reduced
    else if (reduced.length > 2 * maxRank) {
      throw new ArgumentError(
        "plan",
        `a reduction of ${reduced.length} dimensions; at most ${2 * maxRank} are supported`,
      );
    }
    return calls !== undefined;
  }
}
