// Elementwise programs: any sources, strides and instructions, in place or not; and the accuracy of
// the functions that IEEE 754 leaves open.

import fc from "fast-check";
import type { Operand, UnaryOp } from "../../src/backends/kernels.js";
import type { DType } from "../../src/graph/dtype.js";
import { CaseBuilder, type Draw, smallest, ulp } from "./build.js";
import { type Layout, rowMajor } from "./layout.js";
import {
  buildInstructions,
  buildSources,
  resultLayouts,
  type SourceSpec,
  shapes,
  sourceSpecs,
} from "./programs.js";
import { seeds, suite } from "./suite.js";

interface Spec {
  readonly shape: readonly number[];
  readonly sources: readonly SourceSpec[];
  readonly entropy: readonly number[];
  /** Each stores one register; which one, counted back from the last. */
  readonly results: readonly {
    readonly back: number;
    readonly u8: boolean;
    readonly layout: Layout;
  }[];
  /** Whether results are written over sources, where there are any of their dtypes. */
  readonly inPlace: boolean;
  readonly seed: number;
}

const specs: fc.Arbitrary<Spec> = shapes.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    sources: fc.array(sourceSpecs(shape.length), { minLength: 1, maxLength: 4 }),
    entropy: fc.array(fc.nat(2 ** 31 - 1), { maxLength: 12 }),
    results: fc.array(
      fc.record({ back: fc.nat(6), u8: fc.boolean(), layout: resultLayouts(shape.length) }),
      { minLength: 1, maxLength: 3 },
    ),
    inPlace: fc.boolean(),
    seed: seeds,
  }),
);

/** Spaces that several threads share, in order and transposed: an update, a mask, a permutation. */
const always: Spec[] = [
  [200_003],
  [2, 70_001],
  [41, 53, 67],
  [3, 8, 5, 16, 7, 11],
  [70_001, 3],
].flatMap((shape) =>
  [
    rowMajor(shape.length),
    { ...rowMajor(shape.length), order: shape.map((_, d) => -1 - d + shape.length) },
  ].map((layout, at) => ({
    shape,
    sources: (["f32", "f32", "u8", "i32"] as const).map((dtype) => ({
      kind: "memory",
      dtype,
      layout,
    })),
    entropy: [0x2a3b_4c5d, 0x1b2c_3d4e, 0x7711_9933, 0x0f1e_2d3c, 0x5a5a_1234, 0x1234_5678],
    results: [1, 2, 3].map((back) => ({ back, u8: at === 0, layout: rowMajor(shape.length) })),
    inPlace: at === 0,
    seed: at,
  })),
);

const programSuite = suite("elementwise: programs are exact", specs, always, (spec) => {
  const { shape } = spec;
  const build = new CaseBuilder(spec.seed);
  const sources = buildSources(build, shape, spec.sources);
  const { instructions, types } = buildInstructions(sources, spec.entropy);

  // A result may be the very window of a source (of several, if that is there again).
  const free = sources.flatMap((source, at) => {
    const from = spec.sources[at]!;
    const fits = source.kind === "memory" && from.kind === "memory";
    return fits && !from.layout.repeated.includes(true) ? [source.operand] : [];
  });
  const results = spec.results.map(({ back, u8, layout }) => {
    const register = Math.max(types.length - 1 - back, 0);
    const dtype: DType = types[register] === "f32" ? "f32" : u8 ? "u8" : "i32";
    const over = spec.inPlace ? free.findIndex((operand) => operand.dtype === dtype) : -1;
    if (over < 0) return { register, operand: build.result(shape, layout, dtype) };
    const [operand] = free.splice(over, 1) as [Operand];
    build.inPlace(operand, shape);
    return { register, operand };
  });
  return build.exact({ kernel: "elementwise", shape, sources, instructions, results });
});

/**
 * What each function may be off by: so many units in the last place of the result, or `floor` where
 * the result is tiny. PyTorch's vectorized functions (SLEEF) promise 1 to 1.5 ulp; these ask for
 * what a good polynomial without double precision reaches. sin and cos near their zeros are held to
 * an absolute bound: half an ulp of 1 for the function and the same again for the reduction of the
 * argument, which may be of any size.
 */
const accuracy: Partial<Record<UnaryOp, { ulps: number; floor: number; draw: Draw }>> = {
  exp: { ulps: 2, floor: smallest, draw: (random) => random.signed() * 110 },
  log: {
    ulps: 2,
    floor: 0,
    draw: (random) => Math.abs(random.signed()) * 2 ** (random.below(250) - 125),
  },
  sin: { ulps: 2, floor: 2 ** -23, draw: (random) => random.signed() * 2 ** random.below(40) },
  cos: { ulps: 2, floor: 2 ** -23, draw: (random) => random.signed() * 2 ** random.below(40) },
  tanh: {
    ulps: 4,
    floor: smallest,
    draw: (random) => random.signed() * 2 ** (random.below(24) - 18),
  },
  sigmoid: { ulps: 4, floor: smallest, draw: (random) => random.signed() * 110 },
  erf: {
    ulps: 4,
    floor: smallest,
    draw: (random) => random.signed() * 2 ** (random.below(22) - 18),
  },
};

const corners = [0, 1, -1, 0.5, 2, 88.7, -87.3, -103, 1e-30, 1e-40, Infinity, -Infinity, NaN];
const lengths = fc.integer({ min: 1, max: 1200 });

const functionSuites = Object.entries(accuracy).map(([op, { ulps, floor, draw }]) =>
  suite(
    `elementwise: ${op} within ${ulps} ulp`,
    fc.record({ length: lengths, seed: seeds }),
    [{ length: 20_000, seed: 1 }],
    ({ length, seed }) => {
      const build = new CaseBuilder(seed);
      const drawn: Draw = (random) =>
        random.below(50) === 0 ? random.pick(corners) : draw(random);
      const operand = build.source([length], rowMajor(1), drawn);
      const call = {
        kernel: "elementwise" as const,
        shape: [length],
        sources: [{ kind: "memory" as const, operand }],
        instructions: [{ op: op as UnaryOp, dtype: "f32" as const, args: [0] as const }],
        results: [{ register: 1, operand: build.result([length], rowMajor(1)) }],
      };
      return build.within(call, { factor: ulps * ulp, floor });
    },
  ),
);

/** x^y = 2^(y·log₂ x): where |y·log₂ x| ≤ 126, a float32 logarithm would lose 7 bits; a good one 3. */
const powSuite = suite(
  "elementwise: pow within 8 ulp",
  fc.record({ length: lengths, seed: seeds }),
  [{ length: 20_000, seed: 1 }],
  ({ length, seed }) => {
    const build = new CaseBuilder(seed);
    const base: Draw = (random) =>
      random.below(20) === 0
        ? random.pick([0, 1, -1, -2, NaN, Infinity])
        : Math.abs(random.signed()) * 4 + 1e-6;
    const exponent: Draw = (random) =>
      random.below(3) === 0
        ? random.pick([0, 1, 2, 3, -1, 0.5, -0.5, NaN, Infinity])
        : random.signed() * 30;
    const [x, y] = [base, exponent].map((draw) => build.source([length], rowMajor(1), draw));
    const call = {
      kernel: "elementwise" as const,
      shape: [length],
      sources: [
        { kind: "memory" as const, operand: x! },
        { kind: "memory" as const, operand: y! },
      ],
      instructions: [{ op: "pow" as const, dtype: "f32" as const, args: [0, 1] as const }],
      results: [{ register: 2, operand: build.result([length], rowMajor(1)) }],
    };
    return build.within(call, { factor: 8 * ulp, floor: smallest });
  },
);

export const elementwiseSuites = [programSuite, ...functionSuites, powSuite];
