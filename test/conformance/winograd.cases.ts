// Convolutions that name one of Winograd's algorithms, forward and backward: all filters, paddings and map
// sizes that they take, whole tiles and parts of them, and layouts as everywhere.

import fc from "fast-check";
import type { ConvAlgorithm, ConvGeometry } from "../../src/backends/kernels.js";
import { CaseBuilder, masks, plain } from "./build.js";
import { denseLayout, imageOrders, type Layout, layouts } from "./layout.js";
import { seeds, suite } from "./suite.js";

type Winograd = Exclude<ConvAlgorithm, "direct">;

interface Spec {
  readonly algorithm: Winograd;
  readonly geometry: ConvGeometry;
  readonly x: Layout;
  readonly w: Layout;
  readonly y: Layout;
  /** Whether there is a bias (forward), a mask (gradient of the input), a bias's gradient (of the weight). */
  readonly extra: boolean;
  readonly activation: "none" | "relu";
  readonly seed: number;
}

interface Sizes {
  readonly batch: number;
  readonly groups: number;
  readonly groupIn: number;
  readonly groupOut: number;
  readonly inSize: readonly [number, number];
  readonly side: number;
  readonly padding: readonly [number, number];
}

function complete({ groupIn, groupOut, side, ...sizes }: Sizes): ConvGeometry {
  const along = (axis: 0 | 1) => sizes.inSize[axis] + 2 * sizes.padding[axis] - side + 1;
  return {
    ...sizes,
    inChannels: groupIn * sizes.groups,
    outChannels: groupOut * sizes.groups,
    kernelSize: [side, side],
    stride: [1, 1],
    dilation: [1, 1],
    outSize: [along(0), along(1)],
  };
}

const pair = (min: number, max: number) =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
const channels = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) },
  { weight: 1, arbitrary: fc.constantFrom(16, 17, 24, 32, 35) },
);
const algorithms = fc.constantFrom<Winograd>("winograd6", "winograd8");

/** Orders of [outC, inC/groups, kh, kw], as in conv.cases.ts. */
const filterOrders = [
  [0, 1, 2, 3],
  [0, 2, 3, 1],
  [2, 3, 1, 0],
] as const;

const specs: fc.Arbitrary<Spec> = fc.record({
  algorithm: algorithms,
  geometry: fc
    .record({
      batch: fc.integer({ min: 0, max: 4 }),
      groups: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3 })),
      groupIn: channels,
      groupOut: channels,
      inSize: pair(1, 15),
      side: fc.constantFrom(3, 5),
      padding: pair(0, 6), // wider than the filter, too: then its gradient is that of a part of y
    })
    .map(complete)
    .filter(({ outSize }) => outSize[0] >= 1 && outSize[1] >= 1),
  x: layouts(imageOrders, false),
  w: layouts(filterOrders, false),
  y: layouts(imageOrders, false),
  extra: fc.boolean(),
  activation: fc.constantFrom("none", "relu"),
  seed: seeds,
});

const usual: Sizes = {
  batch: 2,
  groups: 1,
  groupIn: 8,
  groupOut: 16,
  inSize: [12, 12],
  side: 3,
  padding: [1, 1],
};
const shapes: readonly Sizes[] = [
  usual,
  { ...usual, side: 5, padding: [2, 2] },
  { ...usual, inSize: [1, 1], groupIn: 70 },
  // More tiles than a block has, of several images.
  { ...usual, batch: 9, inSize: [17, 13], groupIn: 3, groupOut: 20 },
  // Several blocks of the weight gradient's tiles; and so many that they are summed in chunks.
  { ...usual, batch: 5, inSize: [40, 28], groupIn: 17, groupOut: 9 },
  { ...usual, inSize: [136, 140], groupIn: 2, groupOut: 3 },
  // More columns than are held at once, and a depth of several blocks: both ways.
  { ...usual, batch: 1, inSize: [4, 5], groupIn: 300, groupOut: 5 },
  { ...usual, batch: 1, inSize: [5, 4], groupIn: 5, groupOut: 300, side: 5, padding: [2, 2] },
];
const always = shapes.flatMap((sizes, at) =>
  (["winograd6", "winograd8"] as const).map(
    (algorithm): Spec => ({
      algorithm,
      geometry: complete(sizes),
      x: denseLayout(imageOrders[1]),
      w: denseLayout(filterOrders[0]),
      y: denseLayout(imageOrders[1]),
      extra: at % 2 === 0,
      activation: at % 3 === 0 ? "relu" : "none",
      seed: at,
    }),
  ),
);

/**
 * What one rounding of 2⁻²⁴ can become on its way through the three transforms: (maxᵢ Σⱼ |Aᵀ|ᵢⱼ · maxₖ|G|ⱼₖ ·
 * Σₖ|Bᵀ|ⱼₖ)² for the worst of an algorithm's filters and passes. A result's error is a sum of many roundings,
 * most of which grow much less; of some millions of random results, none was off by as much as a tenth of this.
 */
const growth: Readonly<Record<Winograd, number>> = { winograd6: 397, winograd8: 2000 };

/** Factors are drawn from −1 to 1, so that no sum of `terms` products of theirs exceeds `terms`. */
function bound(algorithm: Winograd, terms: number) {
  return { factor: 0, floor: growth[algorithm] * 2 ** -24 * terms };
}

function shapesOf({ batch, groups, ...g }: ConvGeometry) {
  return {
    x: [batch, g.inChannels, ...g.inSize],
    w: [g.outChannels, g.inChannels / groups, ...g.kernelSize],
    y: [batch, g.outChannels, ...g.outSize],
    groupIn: g.inChannels / groups,
    groupOut: g.outChannels / groups,
    taps: g.kernelSize[0] * g.kernelSize[1],
    positions: batch * g.outSize[0] * g.outSize[1],
  };
}

export const winogradSuites = [
  suite("conv2d by Winograd", specs, always, ({ geometry, algorithm, activation, ...spec }) => {
    const shapes = shapesOf(geometry);
    const build = new CaseBuilder(spec.seed);
    const call = {
      kernel: "conv2d" as const,
      geometry,
      algorithm,
      x: build.source(shapes.x, spec.x, plain),
      w: build.source(shapes.w, spec.w, plain),
      ...(spec.extra && { bias: build.source([geometry.outChannels], denseLayout([0]), plain) }),
      y: build.result(shapes.y, spec.y),
      activation,
    };
    return build.within(call, bound(algorithm, shapes.groupIn * shapes.taps));
  }),
  suite("conv2dGradInput by Winograd", specs, always, ({ geometry, algorithm, ...spec }) => {
    const shapes = shapesOf(geometry);
    const build = new CaseBuilder(spec.seed);
    const call = {
      kernel: "conv2dGradInput" as const,
      geometry,
      algorithm,
      gy: build.source(shapes.y, spec.y, plain),
      w: build.source(shapes.w, spec.w, plain),
      ...(spec.extra && { mask: build.source(shapes.x, spec.x, masks) }),
      gx: build.result(shapes.x, spec.x),
    };
    return build.within(call, bound(algorithm, shapes.groupOut * shapes.taps));
  }),
  suite("conv2dGradWeight by Winograd", specs, always, ({ geometry, algorithm, ...spec }) => {
    const shapes = shapesOf(geometry);
    const build = new CaseBuilder(spec.seed);
    const call = {
      kernel: "conv2dGradWeight" as const,
      geometry,
      algorithm,
      x: build.source(shapes.x, spec.x, plain),
      gy: build.source(shapes.y, spec.y, plain),
      gw: build.result(shapes.w, spec.w),
      ...(spec.extra && { gbias: build.result([geometry.outChannels], denseLayout([0])) }),
    };
    return build.within(call, bound(algorithm, shapes.positions));
  }),
];
