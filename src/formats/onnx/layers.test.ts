// Layers as ONNX, each beside what onnxruntime makes of it, for 1 and for 7 images with the same file.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkOnnx,
  expectSame,
  onnxBytes,
  openModel,
  useReference,
} from "../../../test/support/onnx.js";
import { nn, rand, randn } from "../../index.js";

useReference();

const images = [4, 9, 7];

/** Statistics and factors unlike those that a norm begins with. */
function lived(norm: nn.BatchNorm2d): nn.BatchNorm2d {
  for (const [name, state] of norm.namedStates()) {
    if (name !== "num_batches_tracked") state.set(rand(state.shape).add(0.5));
  }
  return norm;
}

const layers: readonly (readonly [
  name: string,
  layer: nn.Module,
  image: readonly number[],
  operators: string,
])[] = [
  ["Conv2d", new nn.Conv2d(4, 6, 3), images, "Conv"],
  [
    "Conv2d, all options",
    new nn.Conv2d(4, 6, [3, 2], {
      stride: [2, 1],
      padding: [1, 2],
      dilation: [1, 3],
      groups: 2,
      bias: false,
    }),
    images,
    "Conv",
  ],
  ["Linear", new nn.Linear(5, 3), [5], "Gemm"],
  ["Linear, square, no bias", new nn.Linear(5, 5, { bias: false }), [5], "Gemm"],
  ["Linear of rows", new nn.Linear(5, 3), [4, 5], "Reshape Gemm Reshape"],
  ["BatchNorm2d", lived(new nn.BatchNorm2d(4)), images, "BatchNormalization"],
  ["BatchNorm2d of one channel", lived(new nn.BatchNorm2d(1)), [1, 3, 3], "BatchNormalization"],
  [
    "BatchNorm2d, not affine",
    lived(new nn.BatchNorm2d(4, { affine: false, eps: 0.01 })),
    images,
    "Expand Expand BatchNormalization",
  ],
  ["LocalResponseNorm 5", new nn.LocalResponseNorm(5, { alpha: 2, k: 2 }), images, "LRN"],
  ["LocalResponseNorm 3", new nn.LocalResponseNorm(3, { alpha: 1, beta: 0.5 }), images, "LRN"],
  ["MaxPool2d", new nn.MaxPool2d(3, { stride: 2, padding: 1 }), images, "MaxPool"],
  ["MaxPool2d, ceil", new nn.MaxPool2d(2, { ceilMode: true }), images, "MaxPool"],
  ["MaxPool2d, dilated", new nn.MaxPool2d(2, { stride: 1, dilation: 3 }), images, "MaxPool"],
  [
    "MaxPool2d, dilated, far over the edge",
    new nn.MaxPool2d(2, { stride: 4, dilation: 4, ceilMode: true }),
    images,
    "Pad MaxPool",
  ],
  ["AvgPool2d", new nn.AvgPool2d(2), images, "AveragePool"],
  ["AvgPool2d, padding", new nn.AvgPool2d(3, { stride: 2, padding: 1 }), images, "AveragePool"],
  [
    "AvgPool2d, padding not counted",
    new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }),
    images,
    "AveragePool",
  ],
  [
    "AvgPool2d, padding, ceil",
    new nn.AvgPool2d(4, { stride: 3, padding: 1, ceilMode: true }),
    images,
    "Pad AveragePool",
  ],
  ["AdaptiveAvgPool2d 1", new nn.AdaptiveAvgPool2d(1), images, "GlobalAveragePool"],
  ["AdaptiveAvgPool2d of even windows", new nn.AdaptiveAvgPool2d([3, 7]), images, "AveragePool"],
  [
    "AdaptiveAvgPool2d of uneven windows",
    new nn.AdaptiveAvgPool2d([5, 4]),
    images,
    "Transpose Reshape MatMul Reshape MatMul Reshape Transpose Div",
  ],
  [
    "AdaptiveAvgPool2d to a larger map",
    new nn.AdaptiveAvgPool2d(10),
    images,
    "Transpose Reshape MatMul Reshape MatMul Reshape Transpose Div",
  ],
  ["AdaptiveAvgPool2d, its own size", new nn.AdaptiveAvgPool2d([9, null]), images, "Identity"],
  ["GlobalAvgPool2d", new nn.GlobalAvgPool2d(), images, "GlobalAveragePool"],
  ["Flatten", new nn.Flatten(), images, "Flatten"],
  ["Flatten of everything", new nn.Flatten(0), images, "Reshape"],
  ["Flatten of the last two", new nn.Flatten(2), images, "Reshape"],
  ["FlattenLayer", new nn.FlattenLayer(), images, "Flatten"],
  ["ReLU", new nn.ReLU(), images, "Relu"],
  ["LeakyReLU", new nn.LeakyReLU(0.2), images, "LeakyRelu"],
  ["Sigmoid", new nn.Sigmoid(), images, "Sigmoid"],
  ["Tanh", new nn.Tanh(), images, "Tanh"],
  ["GELU", new nn.GELU(), images, "Mul Mul Erf Add Mul"],
  [
    "GELU by tanh",
    new nn.GELU({ approximate: "tanh" }),
    images,
    "Mul Mul Mul Add Mul Mul Tanh Add Mul",
  ],
  ["Softmax", new nn.Softmax(1), images, "Softmax"],
  ["Softmax of rows", new nn.Softmax(-1), [10], "Softmax"],
  ["LogSoftmax", new nn.LogSoftmax(2), images, "LogSoftmax"],
  ["Softmax over images", new nn.Softmax(0), images, "Softmax"],
  ["Dropout", new nn.Dropout(0.5), images, "Identity"],
  ["Identity", new nn.Identity(), images, "Identity"],
];

describe("layers", () => {
  it.each(layers)("%s", async (_, layer, image, operators) => {
    expect((await checkOnnx(layer, image)).join(" ")).toBe(operators);
  });

  it("every layer of nn is among them", () => {
    const tested = new Set(layers.map(([, layer]) => layer.constructor.name));
    const own = Object.entries(nn).flatMap(([name, value]) =>
      typeof value === "function" && value.prototype instanceof nn.Module ? [name] : [],
    );
    expect(own.filter((name) => !tested.has(name))).toEqual(["Sequential"]);
  });

  it("norms of an even size, or with statistics of the batch, are exported as they are composed", async () => {
    const even = await checkOnnx(new nn.LocalResponseNorm(4, { alpha: 2 }), images);
    expect(even).toContain("Slice");
    const batch = await checkOnnx(new nn.BatchNorm2d(4, { trackRunningStats: false }), images);
    expect(batch.filter((operator) => operator === "ReduceMean")).toHaveLength(2);
  });

  it("pools of any form", async () => {
    const side = fc.integer({ min: 1, max: 4 });
    const form = fc.record({
      kernel: fc.tuple(side, side),
      stride: fc.tuple(side, side),
      share: fc.tuple(fc.nat(2), fc.nat(2)),
      dilation: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      size: fc.tuple(fc.integer({ min: 10, max: 14 }), fc.integer({ min: 10, max: 14 })),
      ceilMode: fc.boolean(),
      countIncludePad: fc.boolean(),
      max: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(form, async ({ kernel, share, size, max, dilation, ...options }) => {
        const most = (n: number, d: 0 | 1) => Math.min(n, Math.floor(kernel[d] / 2));
        const padding = [most(share[0], 0), most(share[1], 1)] as const;
        const layer = max
          ? new nn.MaxPool2d(kernel, { ...options, padding, dilation })
          : new nn.AvgPool2d(kernel, { ...options, padding });
        const model = await openModel(await onnxBytes(layer, [1, ...size]));
        await expectSame(layer, model, randn([2, 1, ...size]), 1e-5);
        await model.release();
      }),
      { numRuns: 60 },
    );
  });
});
