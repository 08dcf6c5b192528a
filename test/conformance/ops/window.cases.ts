// Convolutions and pools.

import { nn } from "../../../src/index.js";
import type { OpCase } from "./check.js";
import { at, average, fill, indices, map, most, type Nd, total } from "./nd.js";
import { spread, whole } from "./values.js";

const F = nn.functional;

type Pair = readonly [number, number];
interface Windows {
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly groups?: number;
}

function convolution(x: Nd, w: Nd, bias: Nd | undefined, options: Windows): Nd {
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1 } = options;
  const [n, c, ...size] = x.shape as [number, number, number, number];
  const [o, perGroup, ...kernel] = w.shape as [number, number, number, number];
  const out = [0, 1].map(
    (d) =>
      Math.floor((size[d]! + 2 * padding[d]! - dilation[d]! * (kernel[d]! - 1) - 1) / stride[d]!) +
      1,
  );
  return fill([n, o, ...out], ([b, k, i, j]) => {
    const group = Math.floor(k! / (o / groups));
    let sum = bias ? at(bias, [k!]) : 0;
    for (const [ci, ki, kj] of indices([perGroup, ...kernel]) as Iterable<
      [number, number, number]
    >) {
      const [row, column] = [
        i! * stride[0] + ki * dilation[0] - padding[0],
        j! * stride[1] + kj * dilation[1] - padding[1],
      ];
      if (row < 0 || column < 0 || row >= size[0]! || column >= size[1]!) continue;
      sum += at(x, [b!, (group * c) / groups + ci, row, column]) * at(w, [k!, ci, ki, kj]);
    }
    return sum;
  });
}

const convCase = (
  name: string,
  x: readonly number[],
  w: readonly number[],
  options: Windows = {},
  bias = true,
  gradient: OpCase["gradient"] = "twice",
): OpCase => ({
  name: `conv2d ${name}`,
  inputs: [spread(x, -1, 1, 1), spread(w, -1, 1, 2), ...(bias ? [spread([w[0]!], -1, 1, 3)] : [])],
  build: (input, weight, b) => F.conv2d(input, weight, b, options),
  expected: (input, weight, b) => convolution(input, weight, b, options),
  gradient,
});

const convolutions: OpCase[] = [
  convCase("3×3", [2, 2, 5, 4], [3, 2, 3, 3]),
  convCase("1×1, no bias", [2, 3, 3, 3], [2, 3, 1, 1], {}, false),
  convCase("stride, padding, odd size", [1, 2, 7, 5], [2, 2, 3, 2], {
    stride: [2, 3],
    padding: [1, 1],
  }),
  convCase("dilation", [1, 1, 8, 7], [2, 1, 3, 2], { dilation: [2, 3], padding: [1, 0] }),
  convCase("groups", [2, 4, 4, 4], [6, 2, 2, 2], { groups: 2 }),
  convCase("one channel a group", [1, 3, 4, 4], [3, 1, 3, 3], { groups: 3, padding: [1, 1] }),
  convCase(
    "11×11, stride 4, one channel",
    [1, 1, 19, 17],
    [2, 1, 11, 11],
    { stride: [4, 4], padding: [1, 1] },
    true,
    "once",
  ),
  convCase("stride 2 of 1×1: elements that no window reads", [1, 2, 5, 5], [2, 2, 1, 1], {
    stride: [2, 2],
  }),
  convCase("padding larger than the image", [1, 1, 2, 2], [1, 1, 3, 3], { padding: [3, 2] }),
  convCase("no images", [0, 2, 4, 4], [3, 2, 3, 3], {}, true, "once"),
  {
    name: "conv2d, ReLU and a second convolution",
    inputs: [spread([2, 1, 6, 6]), spread([3, 1, 3, 3], -1, 1, 2), spread([2, 3, 2, 2], -1, 1, 4)],
    build: (x, w, v) => F.conv2d(F.conv2d(x, w).relu(), v, undefined, { stride: 2 }),
    expected: (x, w, v) =>
      convolution(
        map(convolution(x, w, undefined, {}), (y) => Math.max(y, 0)),
        v,
        undefined,
        { stride: [2, 2] },
      ),
    gradient: "twice",
  },
  {
    name: "conv2d of a slice of a transposed image, flattened",
    inputs: [spread([2, 5, 6, 2]), spread([3, 2, 2, 2], -1, 1, 2)],
    build: (x, w) => F.conv2d(x.permute(0, 3, 1, 2).slice(null, null, [1, 5]), w).flatten(1),
    gradient: "twice",
  },
];

function pool(
  x: Nd,
  kernel: Pair,
  options: Windows & { ceilMode?: boolean },
  fn: (inside: readonly number[], padded: number) => number,
): Nd {
  const { stride = kernel, padding = [0, 0], dilation = [1, 1], ceilMode = false } = options;
  const [n, c, ...size] = x.shape as [number, number, number, number];
  const out = [0, 1].map((d) => {
    const room = size[d]! + 2 * padding[d]! - dilation[d]! * (kernel[d]! - 1) - 1;
    const count = (ceilMode ? Math.ceil : Math.floor)(room / stride[d]!) + 1;
    return ceilMode && (count - 1) * stride[d]! >= size[d]! + padding[d]! ? count - 1 : count;
  });
  return fill([n, c, ...out], ([b, k, i, j]) => {
    const inside: number[] = [];
    let padded = 0;
    for (const [ki, kj] of indices(kernel) as Iterable<[number, number]>) {
      const place = [
        i! * stride[0] + ki * dilation[0] - padding[0],
        j! * stride[1] + kj * dilation[1] - padding[1],
      ] as const;
      if (place.every((p, d) => p < size[d]! + padding[d]!)) padded++;
      if (place.every((p, d) => p >= 0 && p < size[d]!)) inside.push(at(x, [b!, k!, ...place]));
    }
    return fn(inside, padded);
  });
}

const poolings = [
  { kernel: [2, 2], options: {} },
  { kernel: [3, 3], options: { stride: [2, 2] } },
  { kernel: [3, 2], options: { stride: [2, 1], padding: [1, 1] } },
  { kernel: [3, 3], options: { stride: [2, 2], padding: [1, 1], ceilMode: true } },
  { kernel: [2, 2], options: { stride: [3, 3], ceilMode: true } },
  { kernel: [1, 1], options: { stride: [2, 2] } },
] as const satisfies readonly { kernel: Pair; options: Windows & { ceilMode?: boolean } }[];

const pools: OpCase[] = poolings.flatMap(({ kernel, options }): OpCase[] => {
  const inputs = [spread([2, 3, 6, 7])];
  const name = `${kernel.join("×")} ${JSON.stringify(options)}`;
  return [
    {
      name: `maxPool2d ${name}`,
      inputs,
      build: (x) => F.maxPool2d(x, kernel, options),
      expected: (x) => pool(x, kernel, options, most),
      gradient: "once",
    },
    {
      name: `avgPool2d ${name}`,
      inputs,
      build: (x) => F.avgPool2d(x, kernel, options),
      expected: (x) => pool(x, kernel, options, (inside, padded) => total(inside) / padded),
      gradient: "twice",
    },
    {
      name: `avgPool2d without padding in the mean ${name}`,
      inputs,
      build: (x) => F.avgPool2d(x, kernel, { ...options, countIncludePad: false }),
      expected: (x) => pool(x, kernel, options, average),
      gradient: "twice",
    },
  ];
});

const morePools: OpCase[] = [
  {
    name: "maxPool2d with dilation",
    inputs: [spread([1, 2, 7, 8])],
    build: (x) => F.maxPool2d(x, [2, 3], { stride: 2, dilation: [3, 2], padding: [1, 1] }),
    expected: (x) => pool(x, [2, 3], { stride: [2, 2], dilation: [3, 2], padding: [1, 1] }, most),
    gradient: "once",
  },
  {
    name: "maxPool2d of a window of more than 256",
    inputs: [spread([1, 1, 18, 17])],
    build: (x) => F.maxPool2d(x, 17, { stride: 1 }),
    expected: (x) => pool(x, [17, 17], { stride: [1, 1] }, most),
    gradient: "once",
  },
  {
    name: "a convolution, ReLU and a pool, as networks have them",
    inputs: [spread([2, 1, 9, 9]), spread([3, 1, 3, 3], -1, 1, 2), spread([3], -1, 1, 3)],
    build: (x, w, b) => F.maxPool2d(F.conv2d(x, w, b).relu(), 3, { stride: 2 }),
    expected: (x, w, b) =>
      pool(
        map(convolution(x, w, b, {}), (v) => Math.max(v, 0)),
        [3, 3],
        { stride: [2, 2] },
        most,
      ),
    gradient: "once",
  },
  {
    name: "pools of no images",
    inputs: [spread([0, 2, 4, 4])],
    build: (x) => F.maxPool2d(x, 2).add(F.avgPool2d(x, 2)),
    expected: () => ({ shape: [0, 2, 2, 2], data: [] }),
    gradient: "once",
  },
  {
    name: "bytes as pixels",
    inputs: [whole([2, 1, 5, 5], 0, 256, "u8"), spread([3, 1, 3, 3])],
    build: (x, w) => F.conv2d(x.float().div(255), w, undefined, { padding: 1 }),
    expected: (x, w) =>
      convolution(
        map(x, (v) => v / 255),
        w,
        undefined,
        { padding: [1, 1] },
      ),
    gradient: "twice",
  },
  {
    name: "a ReLU behind a pool",
    inputs: [spread([2, 3, 6, 6])],
    build: (x) => F.maxPool2d(x, 2).relu().mul(2),
    gradient: "once",
  },
];

export const windowCases = [...convolutions, ...pools, ...morePools];
