// Builds test cases: operands with layouts, their data, and what may be expected of the results.

import type { Operand } from "../../src/backends/kernels.js";
import { type DType, emptyArray, type TypedArray } from "../../src/graph/dtype.js";
import { type Layout, place } from "./layout.js";
import type { OneCall, OracleArray } from "./run.js";

/** A window that the call writes. */
export interface ResultWindow {
  readonly operand: Operand;
  readonly shape: readonly number[];
}

/**
 * How close results must be to the float64 oracle's: |result − oracle| ≤ factor·|of| + floor, where
 * `of` is what the oracle computes for another call with the same buffers (a sum of absolute values,
 * say), or numbers for each buffer, or the oracle's own result if it is not given.
 */
export interface Bound {
  readonly factor: number;
  readonly floor: number;
  readonly of?: OneCall | readonly OracleArray[];
}

export interface Case extends OneCall {
  readonly results: readonly ResultWindow[];
  /** "exact": equal to the f32 reference, bit for bit but for the sign of zero. */
  readonly bound: Bound | "exact";
}

/** The unit roundoff of f32: one correctly rounded operation is off by at most this, relatively. */
export const unit = 2 ** -24;
/** One unit in the last place is at most this, relatively. */
export const ulp = 2 ** -23;
/** The smallest normal f32. */
export const smallest = 2 ** -126;

/** What results hold before the call. */
const sentinel: Record<DType, number> = { f32: 12345.678, i32: -777, u8: 99 };

/** Numbers from a seed (mulberry32): the same data whenever a case is repeated. */
export class Random {
  constructor(private state: number) {}

  /** A whole number in [0, below). */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** A number in [−1, 1) with 24 bits. */
  signed(): number {
    return this.below(2 ** 24) / 2 ** 23 - 1;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

/** How a source's elements are drawn. */
export type Draw = (random: Random) => number;

export const plain: Draw = (random) => random.signed();
/** Mostly plain, now and then NaN: results are NaN exactly where one is read. */
export const withNaN: Draw = (random) => (random.below(100) > 0 ? random.signed() : NaN);
/** What a gradient is masked by: NaN hides nothing, and neither zero lets anything through. */
export const masks: Draw = (random) => random.pick([random.signed(), 0, -0, NaN]);
/** Few different values, so that many are equal. */
export const tied: Draw = (random) => random.below(4) - 2;
/** All that f32 arithmetic has to cope with. */
export const wild: Draw = (random) =>
  random.below(4) > 0
    ? random.signed() * 10
    : random.pick([0, 1, -1, 0.5, 1e-40, -1e38, 3e38, 2 ** 24 + 2, -2147483648, NaN, Infinity]);
export const wildInteger: Draw = (random) =>
  random.below(4) > 0
    ? random.below(21) - 10
    : random.pick([2 ** 31 - 1, -(2 ** 31), 65537, -99999, 256]);

export class CaseBuilder {
  readonly buffers: TypedArray[] = [];
  readonly results: ResultWindow[] = [];
  readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** An operand of its own buffer, all of whose elements (those in gaps, too) are drawn. */
  source(shape: readonly number[], layout: Layout, draw: Draw, dtype: DType = "f32"): Operand {
    const { offset, strides, length } = place(shape, layout);
    const data = emptyArray(dtype, length);
    for (let i = 0; i < length; i++) data[i] = draw(this.random);
    this.buffers.push(data);
    return { buffer: this.buffers.length - 1, dtype, offset, strides };
  }

  result(shape: readonly number[], layout: Layout, dtype: DType = "f32"): Operand {
    const { offset, strides, length } = place(shape, layout);
    this.buffers.push(emptyArray(dtype, length).fill(sentinel[dtype]));
    const operand = { buffer: this.buffers.length - 1, dtype, offset, strides };
    this.results.push({ operand, shape });
    return operand;
  }

  /** Declares that the call writes over one of its sources. */
  inPlace(operand: Operand, shape: readonly number[]): void {
    this.results.push({ operand, shape });
  }

  exact(call: OneCall["call"]): Case {
    return { call, buffers: this.buffers, results: this.results, bound: "exact" };
  }

  within(call: OneCall["call"], bound: Bound): Case {
    return { call, buffers: this.buffers, results: this.results, bound };
  }

  /**
   * For results that are sums of `terms` products, each rounded: whatever the order and whether
   * multiply and add are fused, |error| ≤ γ·Σ|a·b| with γ ≤ (terms + 2)·u (Higham, Accuracy and
   * Stability of Numerical Algorithms, §3.1; the 2 covers a bias and the second order in u).
   * `absolute` is the call that computes Σ|a·b| from buffers of absolute values.
   */
  sumOfProducts(call: OneCall["call"], absolute: OneCall["call"], terms: number): Case {
    const buffers = this.buffers.map((data) =>
      data instanceof Float32Array ? data.map(Math.abs) : data,
    );
    const of = { call: absolute, buffers };
    return this.within(call, { factor: (terms + 2) * unit, floor: 0, of });
  }
}
