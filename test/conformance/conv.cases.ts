// Convolutions forward and backward, over stride, padding, dilation, groups, odd sizes and layouts.

import fc from "fast-check";
import type { ConvGeometry } from "../../src/backends/kernels.js";
import { CaseBuilder, masks, plain, withNaN } from "./build.js";
import { denseLayout, imageOrders, type Layout, layouts } from "./layout.js";
import { seeds, suite } from "./suite.js";

interface Spec {
  readonly geometry: ConvGeometry;
  readonly x: Layout;
  readonly w: Layout;
  readonly y: Layout;
  /** A bias, its gradient beside the weight's, and a mask over the input's. */
  readonly bias: boolean;
  readonly activation: "none" | "relu";
  /** Whether images hold a few NaN. */
  readonly nan: boolean;
  readonly seed: number;
}

/** Orders of [outC, inC/groups, kh, kw]: PyTorch's, channels last, output channels innermost. */
const filterOrders = [
  [0, 1, 2, 3],
  [0, 2, 3, 1],
  [2, 3, 1, 0],
] as const;

type Sizes = Omit<ConvGeometry, "outSize">;

/** The output size follows: ⌊(in + 2p − d·(k − 1) − 1)/s⌋ + 1. */
function complete(sizes: Sizes): ConvGeometry {
  const along = (axis: 0 | 1) => {
    const reach = sizes.dilation[axis] * (sizes.kernelSize[axis] - 1) + 1;
    const room = sizes.inSize[axis] + 2 * sizes.padding[axis] - reach;
    return Math.floor(room / sizes.stride[axis]) + 1;
  };
  return { ...sizes, outSize: [along(0), along(1)] };
}

const pair = (min: number, max: number) => {
  const one = fc.integer({ min, max });
  return fc.oneof(
    one.map((size): [number, number] => [size, size]),
    fc.tuple(one, one),
  );
};
const channels = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) },
  { weight: 1, arbitrary: fc.constantFrom(16, 17, 24, 32, 35) },
);

const geometries: fc.Arbitrary<ConvGeometry> = fc
  .record({
    batch: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) },
      { weight: 1, arbitrary: fc.constant(0) },
    ),
    groupIn: channels,
    groupOut: channels,
    groups: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3 })),
    inSize: pair(1, 13),
    kernelSize: pair(1, 5),
    stride: pair(1, 3),
    padding: pair(0, 3),
    dilation: fc.oneof({ weight: 3, arbitrary: pair(1, 1) }, { weight: 1, arbitrary: pair(1, 3) }),
  })
  .map(({ groupIn, groupOut, ...sizes }) =>
    complete({
      ...sizes,
      inChannels: groupIn * sizes.groups,
      outChannels: groupOut * sizes.groups,
    }),
  )
  .filter(({ outSize }) => outSize[0] >= 1 && outSize[1] >= 1);

const specs: fc.Arbitrary<Spec> = fc.record({
  geometry: geometries,
  x: layouts(imageOrders, false),
  w: layouts(filterOrders, false),
  y: layouts(imageOrders, false),
  bias: fc.boolean(),
  activation: fc.constantFrom("none", "relu"),
  nan: fc.nat(5).map((n) => n === 5),
  seed: seeds,
});

const usual: Sizes = {
  batch: 2,
  inChannels: 8,
  outChannels: 16,
  groups: 1,
  inSize: [12, 12],
  kernelSize: [3, 3],
  stride: [1, 1],
  padding: [1, 1],
  dilation: [1, 1],
};

/** Layers that networks have, and sizes that blocked kernels stumble over. */
const layers: Sizes[] = [
  // AlexNet's first layer, on a smaller image: one channel, kernel 11, stride 4.
  {
    ...usual,
    inChannels: 1,
    outChannels: 96,
    inSize: [55, 51],
    kernelSize: [11, 11],
    stride: [4, 4],
  },
  { ...usual, inChannels: 24, outChannels: 40, kernelSize: [5, 5], padding: [2, 2] },
  { ...usual, inChannels: 64, outChannels: 48, inSize: [13, 13] },
  // 1×1: a plain matrix product; with a stride, a gather before it.
  { ...usual, inChannels: 33, outChannels: 70, kernelSize: [1, 1], padding: [0, 0] },
  { ...usual, kernelSize: [1, 1], padding: [0, 0], stride: [2, 3] },
  // Depthwise, and a padding wider than the kernel.
  { ...usual, inChannels: 16, outChannels: 16, groups: 16 },
  { ...usual, kernelSize: [1, 2], padding: [3, 2], inSize: [2, 1] },
  // A kernel as large as its input, a window that leaves a rest, a batch of one row.
  { ...usual, kernelSize: [12, 12], padding: [0, 0] },
  { ...usual, batch: 5, inChannels: 3, outChannels: 7, inSize: [28, 27], stride: [2, 2] },
  { ...usual, batch: 1, inSize: [1, 67], kernelSize: [1, 7], padding: [0, 3] },
  // An image that no cache holds whole.
  { ...usual, inChannels: 48, outChannels: 20, inSize: [57, 50] },
  // More positions and images than one block of the weight gradient.
  { ...usual, batch: 9, inChannels: 4, outChannels: 6, inSize: [31, 33] },
  // Fewer pixels than filters: one panel of them, several, several images.
  { ...usual, batch: 1, inChannels: 40, outChannels: 70, inSize: [3, 3] },
  { ...usual, batch: 3, inChannels: 5, outChannels: 130, inSize: [4, 7], kernelSize: [5, 5] },
  { ...usual, inChannels: 36, outChannels: 120, groups: 2, inSize: [5, 6], stride: [2, 1] },
  { ...usual, batch: 1, inSize: [6, 6], outChannels: 57, kernelSize: [1, 1], padding: [0, 0] },
  // Few channels and many images: vectors of images, whole and in part.
  { ...usual, batch: 16, inChannels: 1, outChannels: 6, kernelSize: [5, 5], padding: [2, 2] },
  { ...usual, batch: 23, inChannels: 6, outChannels: 5, inSize: [9, 7], stride: [2, 1] },
  { ...usual, batch: 23, inChannels: 4, groups: 2, inSize: [7, 9], dilation: [1, 2] },
  { ...usual, batch: 24, inChannels: 3, outChannels: 3, groups: 3, inSize: [5, 35] },
  { ...usual, batch: 16, inChannels: 2, outChannels: 2, inSize: [6, 5], padding: [4, 3] },
  // Images without pixels, of which padding still makes some.
  { ...usual, inSize: [0, 5], kernelSize: [1, 1] },
  { ...usual, inSize: [5, 0], kernelSize: [2, 2] },
];

/** Layouts of images and of filters that plans have. */
const planned = [
  [imageOrders[0], filterOrders[0]],
  [imageOrders[0], filterOrders[1]],
  [imageOrders[1], filterOrders[0]],
] as const;
const always: Spec[] = layers.flatMap((sizes, at) =>
  planned.map(([image, filter]) => ({
    geometry: complete(sizes),
    x: denseLayout(image),
    w: denseLayout(filter),
    y: denseLayout(image),
    bias: at % 2 === 0,
    activation: at % 3 === 0 ? ("relu" as const) : ("none" as const),
    nan: false,
    seed: at,
  })),
);

function shapesOf(geometry: ConvGeometry) {
  const { batch, inChannels, outChannels, groups, inSize, outSize, kernelSize } = geometry;
  return {
    x: [batch, inChannels, ...inSize],
    w: [outChannels, inChannels / groups, ...kernelSize],
    y: [batch, outChannels, ...outSize],
    groupIn: inChannels / groups,
    groupOut: outChannels / groups,
    taps: kernelSize[0] * kernelSize[1],
    positions: batch * outSize[0] * outSize[1],
  };
}

export const convSuites = [
  suite("conv2d", specs, always, ({ geometry, activation, ...spec }) => {
    const shapes = shapesOf(geometry);
    const build = new CaseBuilder(spec.seed);
    const call = {
      kernel: "conv2d" as const,
      geometry,
      algorithm: "direct" as const,
      x: build.source(shapes.x, spec.x, spec.nan ? withNaN : plain),
      w: build.source(shapes.w, spec.w, plain),
      ...(spec.bias && { bias: build.source([geometry.outChannels], denseLayout([0]), plain) }),
      y: build.result(shapes.y, spec.y),
      activation,
    };
    const absolute = { ...call, activation: "none" as const };
    return build.sumOfProducts(call, absolute, shapes.groupIn * shapes.taps);
  }),
  suite("conv2dGradInput", specs, always, ({ geometry, ...spec }) => {
    const shapes = shapesOf(geometry);
    const build = new CaseBuilder(spec.seed);
    const call = {
      kernel: "conv2dGradInput" as const,
      geometry,
      algorithm: "direct" as const,
      gy: build.source(shapes.y, spec.y, spec.nan ? withNaN : plain),
      w: build.source(shapes.w, spec.w, plain),
      gx: build.result(shapes.x, spec.x),
      ...(spec.bias && { mask: build.source(shapes.x, spec.y, masks) }),
    };
    const { mask: _, ...absolute } = call;
    return build.sumOfProducts(call, absolute, shapes.groupOut * shapes.taps);
  }),
  suite("conv2dGradWeight", specs, always, ({ geometry, ...spec }) => {
    const shapes = shapesOf(geometry);
    const build = new CaseBuilder(spec.seed);
    const call = {
      kernel: "conv2dGradWeight" as const,
      geometry,
      algorithm: "direct" as const,
      x: build.source(shapes.x, spec.x, spec.nan ? withNaN : plain),
      gy: build.source(shapes.y, spec.y, plain),
      gw: build.result(shapes.w, spec.w),
      ...(spec.bias && { gbias: build.result([geometry.outChannels], denseLayout([0])) }),
    };
    return build.sumOfProducts(call, call, shapes.positions);
  }),
];
