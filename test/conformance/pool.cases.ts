// Pools and their gradients: padding, dilation, windows that hang over the far edge, ties and NaN.

import fc from "fast-check";
import type { PoolGeometry } from "../../src/backends/kernels.js";
import { pointCount, Walker } from "../../src/backends/reference/walk.js";
import { axisOf, meetings } from "../../src/backends/reference/windows.js";
import { CaseBuilder, type Draw, plain, type Random, tied } from "./build.js";
import { denseLayout, imageOrders, type Layout, layouts } from "./layout.js";
import { seeds, suite } from "./suite.js";

interface Spec {
  readonly geometry: PoolGeometry;
  readonly x: Layout;
  readonly y: Layout;
  readonly index: Layout;
  readonly indexType: "u8" | "i32" | "none";
  readonly countPadding: boolean;
  readonly seed: number;
}

type Sizes = Omit<PoolGeometry, "outSize">;

/** With `ceil`, a last window that hangs over the far edge, if it starts inside (PyTorch's rule). */
function complete(sizes: Sizes, ceil: boolean): PoolGeometry {
  const along = (axis: 0 | 1) => {
    const [size, stride, padding] = [sizes.inSize[axis], sizes.stride[axis], sizes.padding[axis]];
    const reach = sizes.dilation[axis] * (sizes.kernelSize[axis] - 1) + 1;
    const steps = (size + 2 * padding - reach) / stride;
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    return ceil && (count - 1) * stride >= size + padding ? count - 1 : count;
  };
  return { ...sizes, outSize: [along(0), along(1)] };
}

/** Every window has a position inside the input (the contract is silent on others). */
function allWindowsRead(geometry: PoolGeometry): boolean {
  return ([0, 1] as const).every(
    (axis) =>
      geometry.outSize[axis] >= 1 &&
      meetings(axisOf(geometry, axis), "output").every((window) => window.length > 0),
  );
}

const pair = (min: number, max: number) =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

const geometries: fc.Arbitrary<PoolGeometry> = fc
  .tuple(
    fc.record({
      batch: fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 1, max: 3 }) },
        { weight: 1, arbitrary: fc.constant(0) },
      ),
      channels: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(16, 17, 32, 35)),
      inSize: pair(1, 12),
      kernelSize: pair(1, 4),
      stride: pair(1, 3),
      padding: pair(0, 2),
      dilation: fc.oneof(fc.constant<[number, number]>([1, 1]), pair(1, 3)),
    }),
    fc.boolean(),
  )
  .map(([sizes, ceil]) => complete(sizes, ceil))
  .filter(allWindowsRead);

const specs: fc.Arbitrary<Spec> = fc.record({
  geometry: geometries,
  x: layouts(imageOrders, false),
  y: layouts(imageOrders, false),
  index: layouts(imageOrders, false),
  indexType: fc.constantFrom("u8", "i32", "none"),
  countPadding: fc.boolean(),
  seed: seeds,
});

const last = denseLayout(imageOrders[0]);
const usual: Sizes = {
  batch: 2,
  channels: 64,
  inSize: [13, 13],
  kernelSize: [3, 3],
  stride: [2, 2],
  padding: [0, 0],
  dilation: [1, 1],
};
const always: Spec[] = [
  complete(usual, false),
  complete({ ...usual, inSize: [12, 12] }, true),
  complete({ ...usual, kernelSize: [2, 2], channels: 6, inSize: [28, 28] }, false),
  complete({ ...usual, stride: [1, 1], padding: [1, 1] }, false),
  complete({ ...usual, channels: 5, kernelSize: [2, 3], padding: [1, 1], dilation: [2, 1] }, true),
  // Global pooling.
  complete({ ...usual, kernelSize: [13, 13], stride: [13, 13] }, false),
].map((geometry, seed) => ({
  geometry,
  x: last,
  y: last,
  index: last,
  indexType: "u8",
  countPadding: seed % 2 === 0,
  seed,
}));
// As a Flatten needs results, and hands on their gradients.
always.push({ ...always[2]!, y: denseLayout([0, 1, 2, 3]) });

const inShape = ({ batch, channels, inSize }: PoolGeometry) => [batch, channels, ...inSize];
const outShape = ({ batch, channels, outSize }: PoolGeometry) => [batch, channels, ...outSize];

const tiedOrOdd: Draw = (random) =>
  random.below(20) > 0 ? tied(random) : random.pick([NaN, -Infinity, Infinity]);

/** A tap that lies inside the input, for each window, row-major over [n, c, oh, ow]. */
function someTaps(geometry: PoolGeometry): Draw {
  const rows = meetings(axisOf(geometry, 0), "output");
  const columns = meetings(axisOf(geometry, 1), "output");
  let window = 0;
  return (random: Random) => {
    const ow = window % geometry.outSize[1];
    const oh = Math.floor(window / geometry.outSize[1]) % geometry.outSize[0];
    window++;
    return random.pick(rows[oh]!).tap * geometry.kernelSize[1] + random.pick(columns[ow]!).tap;
  };
}

/** Fills an operand's window, in row-major order. */
function fill(
  build: CaseBuilder,
  shape: readonly number[],
  layout: Layout,
  dtype: "u8" | "i32",
  draw: Draw,
) {
  const operand = build.source(shape, layout, () => 0, dtype);
  const walker = new Walker(shape, operand.offset, operand.strides);
  for (let i = pointCount(shape); i > 0; i--) {
    build.buffers[operand.buffer]![walker.next()] = draw(build.random);
  }
  return operand;
}

export const poolSuites = [
  suite("maxPool2d", specs, always, ({ geometry, indexType, ...spec }) => {
    const build = new CaseBuilder(spec.seed);
    const x = build.source(inShape(geometry), spec.x, tiedOrOdd);
    const y = build.result(outShape(geometry), spec.y);
    if (indexType === "none") return build.exact({ kernel: "maxPool2d", geometry, x, y });
    const index = build.result(outShape(geometry), spec.index, indexType);
    return build.exact({ kernel: "maxPool2d", geometry, x, y, index });
  }),
  // At most every tap of the kernel adds to one position: a sum of that many terms (times 1).
  suite("maxPool2dGrad", specs, always, ({ geometry, ...spec }) => {
    const build = new CaseBuilder(spec.seed);
    const dtype = spec.indexType === "i32" ? "i32" : "u8";
    const call = {
      kernel: "maxPool2dGrad" as const,
      geometry,
      gy: build.source(outShape(geometry), spec.y, plain),
      index: fill(build, outShape(geometry), spec.index, dtype, someTaps(geometry)),
      gx: build.result(inShape(geometry), spec.x),
    };
    return build.sumOfProducts(call, call, geometry.kernelSize[0] * geometry.kernelSize[1]);
  }),
  // Sums with one more rounding by the division; or with two, where its reciprocal is multiplied.
  suite("avgPool2d", specs, always, ({ geometry, countPadding, ...spec }) => {
    const build = new CaseBuilder(spec.seed);
    const call = {
      kernel: "avgPool2d" as const,
      geometry,
      countPadding,
      x: build.source(inShape(geometry), spec.x, plain),
      y: build.result(outShape(geometry), spec.y),
    };
    return build.sumOfProducts(call, call, geometry.kernelSize[0] * geometry.kernelSize[1] + 2);
  }),
  suite("avgPool2dGrad", specs, always, ({ geometry, countPadding, ...spec }) => {
    const build = new CaseBuilder(spec.seed);
    const call = {
      kernel: "avgPool2dGrad" as const,
      geometry,
      countPadding,
      gy: build.source(outShape(geometry), spec.y, plain),
      gx: build.result(inShape(geometry), spec.x),
    };
    return build.sumOfProducts(call, call, geometry.kernelSize[0] * geometry.kernelSize[1] + 2);
  }),
];
