// Matmul calls: any layout, sizes around the edges of blocked kernels, with and without bias, or with an
// epilogue in their place.

import fc from "fast-check";
import type { Epilogue } from "../../src/backends/kernels.js";
import { CaseBuilder, plain, withNaN } from "./build.js";
import { type Layout, layouts, rowMajor } from "./layout.js";
import { seeds, suite } from "./suite.js";

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 2, arbitrary: fc.integer({ min: 21, max: 70 }) },
  { weight: 1, arbitrary: fc.constant(0) },
);
const matrices = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
] as const;

interface Spec {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Layout;
  readonly b: Layout;
  readonly c: Layout;
  readonly bias: Layout | null;
  readonly activation: "none" | "relu";
  /** The layout of what an epilogue updates, in place or not; null for a call without one. */
  readonly update: { readonly p: Layout; readonly inPlace: boolean } | null;
  /** Whether `a` holds a few NaN. */
  readonly nan: boolean;
  readonly seed: number;
}

const specs: fc.Arbitrary<Spec> = fc.record({
  batch: fc.oneof(fc.constant(1), fc.nat(3)),
  m: size,
  n: size,
  k: size,
  a: layouts(matrices, true),
  b: layouts(matrices, true),
  c: layouts(matrices, false),
  bias: fc.option(layouts([[0]], true)),
  activation: fc.constantFrom("none", "relu"),
  update: fc.option(fc.record({ p: layouts(matrices, false), inPlace: fc.boolean() })),
  nan: fc.nat(5).map((n) => n === 5),
  seed: seeds,
});

const denseSpec = {
  batch: 1,
  bias: rowMajor(1),
  activation: "none",
  update: null,
  nan: false,
  seed: 1,
} as const;
const plainMatrix = rowMajor(3);
const transposed = { ...plainMatrix, order: [0, 2, 1] };

/** Past one cache block in every direction, in each combination of transposes. */
const large: Spec[] = [plainMatrix, transposed].flatMap((a) =>
  [plainMatrix, transposed].map((b) => ({
    ...denseSpec,
    m: 301,
    n: 77,
    k: 531,
    a,
    b,
    c: plainMatrix,
  })),
);
/** Shapes of fully connected layers and of their gradients. */
const narrow: Spec[] = [
  [1, 1000, 257],
  [513, 1, 300],
  [1, 1, 4099],
  [128, 10, 84],
  [10, 84, 129],
].map(([m, n, k]) => ({
  ...denseSpec,
  m: m!,
  n: n!,
  k: k!,
  a: plainMatrix,
  b: transposed,
  c: plainMatrix,
}));
/** The same with their weights updated on the way; by columns where the product is. */
const updates: Spec[] = [...large, ...narrow].flatMap((spec) =>
  [plainMatrix, transposed].map((p) => ({ ...spec, update: { p, inPlace: true } })),
);

export const matmulSuite = suite("matmul", specs, [...large, ...narrow, ...updates], (spec) => {
  const { batch, m, n, k, activation, update } = spec;
  const build = new CaseBuilder(spec.seed);
  const factors = {
    kernel: "matmul" as const,
    batch,
    m,
    n,
    k,
    a: build.source([batch, m, k], spec.a, spec.nan ? withNaN : plain),
    b: build.source([batch, k, n], spec.b, plain),
  };
  const shape = [batch, m, n];
  if (update) {
    const p = build.source(shape, update.p, plain);
    if (update.inPlace) build.inPlace(p, shape);
    const updated = update.inPlace ? p : build.result(shape, spec.c);
    const numbered = build.result(shape, spec.c);
    // p − c/4, and that plus the number of the element; three roundings more
    const epilogue = (minus: "sub" | "add"): Epilogue => ({
      sources: [
        { kind: "memory", operand: p },
        { kind: "constant", dtype: "f32", value: 0.25 },
        { kind: "index", offset: 3, strides: [m * n, n, 1] },
      ],
      instructions: [
        { op: "mul", dtype: "f32", args: [0, 2] },
        { op: minus, dtype: "f32", args: [1, 4] },
        { op: "toF32", dtype: "i32", args: [3] },
        { op: "add", dtype: "f32", args: [5, 6] },
      ],
      results: [
        { register: 5, operand: updated },
        { register: 7, operand: numbered },
      ],
    });
    const call = { ...factors, activation: "none" as const };
    return build.sumOfProducts(
      { ...call, epilogue: epilogue("sub") },
      { ...call, epilogue: epilogue("add") },
      k + 3,
    );
  }
  const call = {
    ...factors,
    ...(spec.bias && { bias: build.source([n], spec.bias, plain) }),
    c: build.result(shape, spec.c),
    activation,
  };
  return build.sumOfProducts(call, { ...call, activation: "none" }, k);
});
