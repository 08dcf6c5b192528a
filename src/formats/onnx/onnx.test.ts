// Layers and functions as ONNX, each beside what onnxruntime makes of it, for 1 and for 7 images with the
// same file. f32 sums of up to a few hundred products differ by their order: 1e-5 of the largest number.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectSame, onnxBytes, openModel, readModel } from "../../../test/support/onnx.js";
import {
  arange,
  cat,
  full,
  getBackend,
  manualSeed,
  nn,
  ones,
  openReference,
  rand,
  randn,
  randomState,
  scalar,
  setBackend,
  Tensor,
  tensor,
  where,
  zeros,
} from "../../index.js";
import { randomSource } from "../../runtime.js";
import { encodeOnnx, OnnxError } from "./index.js";

const F = nn.functional;

const before = getBackend();
const reference = openReference();
beforeAll(() => setBackend(reference));
afterAll(async () => {
  setBackend(before);
  await reference.close();
});

/** A function as a module. */
class Fn extends nn.Module {
  constructor(private readonly fn: (x: Tensor) => Tensor) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return this.fn(x);
  }
}

async function check(net: nn.Network, image: readonly number[]): Promise<readonly string[]> {
  const bytes = await onnxBytes(net, image);
  const model = await openModel(bytes);
  for (const count of [1, 7]) await expectSame(net, model, randn([count, ...image]), 1e-5);
  await model.release();
  return readModel(bytes).operators;
}

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
    expect((await check(layer, image)).join(" ")).toBe(operators);
  });

  it("every layer of nn is among them", () => {
    const tested = new Set(layers.map(([, layer]) => layer.constructor.name));
    const own = Object.entries(nn).flatMap(([name, value]) =>
      typeof value === "function" && value.prototype instanceof nn.Module ? [name] : [],
    );
    expect(own.filter((name) => !tested.has(name))).toEqual(["Sequential"]);
  });

  it("norms of an even size, or with statistics of the batch, are exported as they are composed", async () => {
    const even = await check(new nn.LocalResponseNorm(4, { alpha: 2 }), images);
    expect(even).toContain("Slice");
    const batch = await check(new nn.BatchNorm2d(4, { trackRunningStats: false }), images);
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

const row = tensor([0.5, -1, 2, 0.25, 3, -2, 1]);
const unit = (x: Tensor) => x.abs().add(0.1);

const functions: Record<string, (x: Tensor) => Tensor> = {
  "arithmetic with numbers": (x) => x.add(1).sub(0.5).mul(3).div(7).neg(),
  "arithmetic with a row": (x) => x.mul(row).sub(row.abs()),
  "a value twice": (x) => x.mul(x).add(x),
  "exp, log, sqrt": (x) => unit(x).log().exp().sqrt(),
  "sin, cos, floor, abs": (x) => x.sin().add(x.cos()).add(x.floor()).add(x.abs()),
  powers: (x) => unit(x).pow(1.5),
  "maximum, minimum, clamp": (x) => x.maximum(row).minimum(1).add(x.clamp(-1, 1)),
  comparisons: (x) =>
    cat([x.lt(0), x.le(row), x.gt(row), x.ge(0), x.eq(x), x.ne(row)].map((t) => t.float())),
  "a comparison as a condition": (x) => where(x.gt(row), x, row),
  "nothing but what is repeated": (x) =>
    where(row.gt(0).expand(9, 7), scalar(1), scalar(2).expand(9, 1)).sum().add(x),
  "a sum of what is repeated": (x) => x.slice([0, 1]).expand(4, -1, -1, -1).mul(2).sum([0, 1]),
  "an empty part": (x) => cat([x.slice(null, [0, 0]), x, x], 1),
  "a number as a condition": (x) => where(x.floor(), x, 5),
  "whole numbers": (x) => x.mul(3).int().mul(2).add(arange(7)).neg().abs().float(),
  bytes: (x) => x.abs().byte().add(x.gt(0)).float(),
  "sums and means": (x) =>
    x
      .sum(1, true)
      .add(x.mean([2, 3], true))
      .add(x.mean(0, true)),
  "sums and means, dropped": (x) => x.sum([1, 2]).add(x.mean([1, 2])),
  "largest and smallest": (x) => x.max(1, true).sub(x.min([1, 2], true)),
  "position of the largest": (x) => x.argmax(2).float(),
  "position of the largest of all": (x) => x.argmax().float(),
  "standard deviation": (x) => x.std([2, 3]),
  reshaping: (x) => x.reshape(-1, 12, 21).unsqueeze(1).squeeze(1).transpose(1, 2),
  "images at the end": (x) => x.permute(1, 2, 3, 0),
  "a part": (x) => x.slice(null, [1, 3], null, [0, 7, 3]),
  "one channel": (x) => x.select(1, 2),
  "every other image's pixels": (x) => x.slice(null, null, [1, null, 2]).permute(0, 3, 1, 2),
  "one image, repeated": (x) => x.slice([0, 1]).expand(3, -1, -1, -1),
  padding: (x) => x.pad([1, 2, 0, 3], 0.5),
  concatenation: (x) => cat([x, x.mul(2), x.slice(null, [0, 1])], 1),
  "as many constants as images": (x) => cat([x, full([x.shape[0]!, 1, 9, 7], 2)], 1),
  "images numbered": (x) => x.add(arange(x.shape[0]! * 9).reshape(-1, 1, 9, 1)),
  "divided by the number of images": (x) => x.div(x.shape[0]!).add(x.sum(0).div(x.shape[0]! * 2)),
  "all images as rows": (x) => x.reshape(x.shape[0]! * 4, 63),
  "a product of matrices": (x) => x.reshape(-1, 252).matmul(ones([252, 3]).mul(0.1)),
  "a product of stacks": (x) => x.matmul(x.transpose(2, 3)),
  "a product with a repeated matrix": (x) => x.matmul(ones([7, 2]).mul(row.reshape(7, 1))),
  "a product with a vector": (x) => x.matmul(row),
};

describe("functions", () => {
  it.each(Object.entries(functions))("%s", async (_, fn) => {
    await check(new Fn(fn), images);
  });

  it("a product of matrices is one operator", async () => {
    const net = new Fn((x) => x.matmul(row));
    expect(await check(net, [3, 7])).toEqual(["MatMul"]);
  });
});

describe("the file", () => {
  it("has the network's names, and says what it is", async () => {
    const net = new nn.Sequential(
      new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.ReLU(), new nn.Dropout()),
      new nn.Flatten(),
      new nn.Linear(8, 2),
    );
    const bytes = await onnxBytes(net, [1, 4, 4], { metadata: { classes: "猫, dog" } });
    expect(readModel(bytes)).toEqual({
      producer: "fovea",
      irVersion: 8,
      opset: 17,
      metadata: { classes: "猫, dog" },
      operators: ["Conv", "Relu", "Flatten", "Gemm"],
      nodes: ["0.0/Conv", "0.1/Relu", "1/Flatten", "2/Gemm"],
      initializers: ["0.0.weight", "0.0.bias", "2.weight", "2.bias"],
    });
    const model = await openModel(bytes);
    const [input, output] = [model.inputMetadata[0]!, model.outputMetadata[0]!];
    expect(input).toMatchObject({ name: "input", type: "float32", shape: ["batch", 1, 4, 4] });
    expect(output).toMatchObject({ name: "logits", type: "float32", shape: ["batch", 2] });
  });

  it("takes other names, and a fixed number of images", async () => {
    const net = new nn.Linear(3, 2);
    const options = { inputName: "pixels", outputName: "scores", batch: 5 };
    const model = await openModel(await onnxBytes(net, [3], options));
    expect(model.inputMetadata[0]).toMatchObject({ name: "pixels", shape: [5, 3] });
    expect(model.outputMetadata[0]).toMatchObject({ name: "scores", shape: [5, 2] });
    await expectSame(net, model, randn([5, 3]), 1e-5);
  });

  it("holds shared weights once, and those that no module has", async () => {
    const shared = new nn.Linear(3, 3);
    const own = new nn.Parameter(tensor([1, 2, 3]), "shift");
    const before = own.mul(2); // written down before the network is
    const net = new nn.Sequential(shared, shared, new Fn((x) => x.add(own).mul(before).add(1)));
    const bytes = await onnxBytes(net, [3]);
    const { initializers, nodes } = readModel(bytes);
    expect(initializers).toEqual(["0.weight", "0.bias", "shift", "constant", "constant_1"]);
    expect(nodes).toEqual(["0/Gemm", "0/Gemm_1", "2/Add", "2/Mul", "2/Mul_1", "2/Add_1"]);
    await expectSame(net, await openModel(bytes), randn([2, 3]), 1e-5);
  });

  it("leaves weights their names, whatever else has one", async () => {
    class Net extends nn.Module {
      constant = new nn.Parameter(tensor([3, 4]));
      logits = new nn.Linear(2, 2);
      input = new nn.Parameter(tensor([5, 6]));
      override forward(x: Tensor): Tensor {
        return this.logits(x.mul(7)).add(this.constant).mul(this.input);
      }
    }
    const net = new Net();
    const bytes = await onnxBytes(net, [2]);
    expect(readModel(bytes).initializers).toEqual([
      "constant_1",
      "logits.weight",
      "logits.bias",
      "constant",
      "input_1",
    ]);
    await expectSame(net, await openModel(bytes), randn([2, 2]), 1e-5);
  });

  it("has auxiliary classifiers' weights not in it", async () => {
    class Net extends nn.Module<[Tensor], nn.Logits> {
      main = new nn.Linear(3, 2);
      aux = new nn.Linear(3, 2);
      override forward(x: Tensor): nn.Logits {
        return { logits: this.main(x), auxiliary: [this.aux(x)], weight: 0.3 };
      }
    }
    const { initializers } = readModel(await onnxBytes(new Net(), [3]));
    expect(initializers).toEqual(["main.weight", "main.bias"]);
  });

  it("is of deep networks too", async () => {
    const net = new Fn((x) => {
      let y = x;
      for (let i = 0; i < 20_000; i++) y = y.neg();
      return y;
    });
    expect(readModel(await onnxBytes(net, [1])).nodes).toHaveLength(20_000);
  });

  it("leaves the network and the random numbers as they were", async () => {
    manualSeed(3);
    const net = new nn.Sequential(new nn.BatchNorm2d(2), new nn.Dropout());
    net[1]!.eval();
    const before = [randomState(), [...net.modules()].map((module) => module.training)];
    await onnxBytes(net, [2, 3, 3]);
    expect([randomState(), [...net.modules()].map((module) => module.training)]).toEqual(before);
    expect(await net.stateDict().get("0.num_batches_tracked")!.item()).toBe(0);
  });
});

describe("what cannot be exported is named, with its layer", () => {
  const refused = (net: nn.Network, image: readonly number[] = images, options = {}) => {
    try {
      encodeOnnx(net, image, options);
    } catch (error) {
      return error as OnnxError;
    }
    throw new Error("nothing was refused");
  };

  it("random numbers in evaluation mode", () => {
    const noise = new Fn((x) => F.dropout(x, 0.5, true));
    const error = refused(new nn.Sequential(new nn.ReLU(), new nn.Sequential(noise)));
    expect(error).toBeInstanceOf(OnnxError);
    expect(error).toMatchObject({ op: "uniform", layer: "1.0" });
    expect(error.message).toBe("onnx: uniform in layer 1.0 has no ONNX form");
  });

  it("losses", () => {
    const loss = new Fn((x) => F.crossEntropy(x, zeros([x.shape[0]!], "i32")));
    expect(refused(loss, [3]).message).toBe("onnx: crossEntropy has no ONNX form");
  });

  it("numbers that follow the number of images in another way than by a factor", async () => {
    const net = new nn.Sequential(new Fn((x) => x.var(0)));
    expect(refused(net).message).toBe(
      "onnx: constant in layer 0 depends on the number of images in a way that one file cannot say for all; export it for one number: pass batch: 1",
    );
    const model = await openModel(await onnxBytes(net, images, { batch: 4 }));
    await expectSame(net, model, randn([4, ...images]), 1e-5);
  });

  it("networks that are others for more images", () => {
    const net = new Fn((x) => (x.shape[0]! > 99 ? x.relu() : x.tanh()));
    expect(refused(net).message).toMatch(/^onnx: tanh depends on the number of images in a way/);
  });

  it("tensors that are made for each number of images", () => {
    const net = new Fn((x) => x.add(tensor(new Float32Array(x.shape[0]!), [x.shape[0]!, 1])));
    expect(refused(net, [3]).message).toMatch(/^onnx: bound depends on the number of images/);
  });

  it("values that are asked for at every run", () => {
    const net = new Fn((x) => x.add(new Tensor(randomSource().key)));
    expect(refused(net, [2]).message).toBe(
      "onnx: a value that is asked for at every run has no ONNX form",
    );
  });

  it("files of 2 GiB and more, before any weight is read", () => {
    const large = new nn.Sequential(new nn.Linear(2 ** 15, 2 ** 14));
    expect(refused(large, [2 ** 15]).message).toBe(
      "onnx: the network needs a file of 2.0 GiB, and ONNX files end at 2 GiB; export a smaller network",
    );
  });

  it("options that make no sense", () => {
    const net = new nn.ReLU();
    expect(refused(net, [3], { batch: 0 }).message).toBe(
      "onnx: batch must be a whole number ≥ 1, got 0",
    );
    expect(refused(net, [3], { inputName: "x", outputName: "x" }).message).toBe(
      "onnx: the names of input and output must be two, and not empty",
    );
    expect(refused(new nn.Linear(4, 2), [3]).message).toBe(
      "linear: weight [2, 4] expects 4 features, got 3 (input [97, 3]); pass inFeatures: 3",
    );
  });
});
