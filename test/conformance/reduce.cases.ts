// Reductions over any axes of a program's register: sums within their rounding, maxima and their
// places exact.

import fc from "fast-check";
import type { Instruction, ReduceCall } from "../../src/backends/kernels.js";
import { pointCount } from "../../src/backends/reference/walk.js";
import { CaseBuilder, type Draw, plain, tied, unit, wildInteger } from "./build.js";
import { type Layout, layouts, rowMajor } from "./layout.js";
import { resultLayouts } from "./programs.js";
import { seeds, suite } from "./suite.js";

interface Spec {
  readonly shape: readonly number[];
  readonly reduced: readonly boolean[];
  readonly dtype: "f32" | "i32";
  /** One operation at most, so that a term has one rounding. */
  readonly program: "load" | "mul" | "sub";
  readonly layouts: readonly [Layout, Layout];
  readonly result: Layout;
  readonly seed: number;
}

const sizes = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 6 }) },
  { weight: 1, arbitrary: fc.integer({ min: 7, max: 90 }) },
);
const order = (rank: number) => Array.from({ length: rank }, (_, d) => d);

function specs(smallestSize: 0 | 1): fc.Arbitrary<Spec> {
  const size =
    smallestSize === 1
      ? sizes
      : fc.oneof({ weight: 12, arbitrary: sizes }, { weight: 1, arbitrary: fc.constant(0) });
  return fc
    .array(size, { minLength: 1, maxLength: 5, size: "max" })
    .filter((shape) => pointCount(shape) < 100_000)
    .chain((shape) => {
      const rank = shape.length;
      const source = layouts([order(rank), [...order(rank)].reverse()], true);
      return fc.record({
        shape: fc.constant(shape),
        reduced: fc.array(fc.boolean(), { minLength: rank, maxLength: rank }),
        dtype: fc.constantFrom("f32", "f32", "i32"),
        program: fc.constantFrom("load", "mul", "sub"),
        layouts: fc.tuple(source, source),
        result: resultLayouts(rank),
        seed: seeds,
      });
    });
}

/** Bias gradients, batch statistics, a whole tensor: what plans ask for. */
const always: Spec[] = (
  [
    [
      [4, 30, 30, 17],
      [true, true, true, false],
    ],
    [
      [4, 17, 30, 30],
      [true, false, true, true],
    ],
    [[70_001], [true]],
    [
      [300, 301],
      [false, true],
    ],
    [
      [300, 301],
      [true, false],
    ],
    [
      [2, 3],
      [false, false],
    ],
  ] as const
).map(([shape, reduced], seed) => ({
  shape,
  reduced,
  dtype: "f32",
  program: seed % 2 ? "mul" : "load",
  layouts: [rowMajor(shape.length), rowMajor(shape.length)],
  result: rowMajor(shape.length),
  seed,
}));

function common(spec: Spec, op: ReduceCall["op"], draw: Draw) {
  const { shape, reduced, dtype, program } = spec;
  const build = new CaseBuilder(spec.seed);
  const sources = spec.layouts.map((layout) => ({
    kind: "memory" as const,
    operand: build.source(shape, layout, dtype === "i32" ? wildInteger : draw, dtype),
  }));
  const instructions: Instruction[] =
    program === "load" ? [] : [{ op: program, dtype, args: [0, 1] }];
  const kept = shape.map((size, d) => (reduced[d] ? 1 : size));
  const window = build.result(kept, spec.result, op === "argmax" ? "i32" : dtype);
  const result = { ...window, strides: window.strides.map((s, d) => (reduced[d] ? 0 : s)) };
  const register = program === "load" ? 0 : 2;
  const call: ReduceCall = {
    kernel: "reduce",
    op,
    shape,
    reduced,
    sources,
    instructions,
    register,
    result,
  };
  return { build, call };
}

const oddities: Draw = (random) =>
  random.below(40) > 0 ? tied(random) : random.pick([NaN, Infinity, -Infinity, 1e-40]);

export const reduceSuites = [
  suite("reduce: sum", specs(0), always, (spec) => {
    const { build, call } = common(spec, "sum", plain);
    if (spec.dtype === "i32") return build.exact(call);
    // Σ|term|: the same program, and |·| of its register.
    const sizeOf: Instruction = { op: "abs", dtype: "f32", args: [call.register] };
    const last = call.sources.length + call.instructions.length;
    const of = {
      call: { ...call, instructions: [...call.instructions, sizeOf], register: last },
      buffers: build.buffers,
    };
    // n − 1 additions and one rounding of each term: |error| ≤ (n + 1)·u·Σ|term|.
    const terms = pointCount(spec.shape.filter((_, d) => spec.reduced[d]));
    return build.within(call, { factor: (terms + 1) * unit, floor: 0, of });
  }),
  suite("reduce: max", specs(1), always, (spec) => {
    const { build, call } = common(spec, "max", oddities);
    return build.exact(call);
  }),
  suite("reduce: argmax", specs(1), always, (spec) => {
    const { build, call } = common(spec, "argmax", oddities);
    return build.exact(call);
  }),
];
