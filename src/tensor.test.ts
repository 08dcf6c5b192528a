// Tensors as users meet them: creation, reading, and what they say when something does not fit.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verified } from "../test/conformance/verified.js";
import {
  arange,
  type Backend,
  cat,
  fromTypedArray,
  full,
  nn,
  oneHot,
  ones,
  openReference,
  scalar,
  setBackend,
  stack,
  tensor,
  where,
  zeros,
} from "./index.js";

const F = nn.functional;
let backend: Backend;
beforeAll(() => {
  backend = verified(openReference());
  setBackend(backend);
});
afterAll(() => backend.close());

describe("whole numbers", () => {
  it("stay whole and exact where they are clamped from one side", async () => {
    const x = tensor(Int32Array.of(2 ** 24 + 1, -3));
    expect([x.clamp(0).dtype, await x.clamp(0).tolist()]).toEqual(["i32", [2 ** 24 + 1, 0]]);
    expect(await x.clamp(Number.NEGATIVE_INFINITY, 2 ** 24 + 1).tolist()).toEqual([
      2 ** 24 + 1,
      -3,
    ]);
  });

  it("have the smallest of them as their minimum", async () => {
    const [low, high] = [-(2 ** 31), 2 ** 31 - 1];
    expect(
      await tensor(Int32Array.of(5, low, high))
        .min()
        .item(),
    ).toBe(low);
    expect(await tensor(Uint8Array.of(7, 3)).min().item()).toBe(3);
  });
});

describe("scalars", () => {
  it("count as vectors of one element where a dimension is named", async () => {
    const x = scalar(3);
    const all = [x.softmax(0), x.logSoftmax(-1), x.sum(0), x.mean(-1), x.max(0), x.argmax(0)];
    expect(all.map((t) => t.shape)).toEqual(all.map(() => []));
    expect(await Promise.all(all.map((t) => t.item()))).toEqual([1, 0, 3, 3, 3, 0]);
    expect(() => x.sum(1)).toThrow("sum: dimension 1 is outside a tensor of 1 dimensions");
  });
});

describe("creation", () => {
  it("from nested arrays and typed arrays", async () => {
    expect(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]).shape,
    ).toEqual([3, 2]);
    expect([tensor(7).shape, tensor([]).shape, tensor([[], []]).shape]).toEqual([[], [0], [2, 0]]);
    expect(tensor(Int32Array.of(1, 2)).dtype).toBe("i32");
    expect(tensor(Uint8Array.of(1, 2), [2, 1]).dtype).toBe("u8");
    expect(await tensor([1.7, 300], [2, 1], "u8").tolist()).toEqual([[1], [44]]);
    expect(await tensor(Float32Array.of(1.5), undefined, "i32").tolist()).toEqual([1]);
  });

  it("copies a typed array, or takes it as it is", async () => {
    const data = Float32Array.of(1, 2);
    const [copied, taken] = [tensor(data), fromTypedArray(data, [2])];
    data[0] = 9;
    expect([await copied.tolist(), await taken.tolist()]).toEqual([
      [1, 2],
      [9, 2],
    ]);
  });

  it("of numbers, with what a dtype can hold", async () => {
    expect(await ones([2, 2]).tolist()).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(await full([2], 1.5, "i32").float().tolist()).toEqual([1, 1]);
    expect(await full([1], 300, "u8").int().item()).toBe(44);
    expect(await full([1], 3e9).int().item()).toBe(2 ** 31 - 1);
    expect(await full([1], Number.NaN).int().item()).toBe(0);
    expect(await zeros([0, 3]).tolist()).toEqual([]);
    expect(
      await scalar(2 ** 24 + 1, "i32")
        .float()
        .item(),
    ).toBe(2 ** 24);
  });
});

describe("reading", () => {
  it("gives a copy each time", async () => {
    const x = tensor([1, 2]).mul(2);
    (await x.data()).fill(0);
    expect(await x.tolist()).toEqual([2, 4]);
    expect(x.dim()).toBe(1);
    expect([x.size(), x.size(-1), x.numel()]).toEqual([[2], 2, 2]);
  });

  it("works for two at once, and for values that no machine must compute", async () => {
    const x = tensor([3]).exp().log();
    const [a, b] = await Promise.all([x.data(), x.data()]);
    expect(a).toEqual(b);
    expect(await zeros([2]).tolist()).toEqual([0, 0]);
    expect(await arange(3).tolist()).toEqual([0, 1, 2]);
  });
});

describe("promotion", () => {
  it.each([
    ["u8 + 1", () => zeros([1], "u8").add(1).dtype, "i32"],
    ["i32 + 1", () => zeros([1], "i32").add(1).dtype, "i32"],
    ["i32 + 0.5", () => zeros([1], "i32").add(0.5).dtype, "f32"],
    ["i32 / i32", () => zeros([1], "i32").div(2).dtype, "f32"],
    ["i32 · f32", () => zeros([1], "i32").mul(zeros([1])).dtype, "f32"],
    ["a comparison", () => zeros([1]).lt(1).dtype, "u8"],
    ["sum of u8", () => zeros([1], "u8").sum().dtype, "i32"],
    ["argmax", () => zeros([1]).argmax().dtype, "i32"],
  ])("%s", (_, dtype, wanted) => expect(dtype()).toBe(wanted));
});

const image = zeros([8, 1, 28, 28]);

describe("what does not fit says what was expected and what came", () => {
  it.each<[string, () => unknown]>([
    [
      "tensor: rows differ in length; every row at depth 1 must have 2 elements",
      () => tensor([[1, 2], [3]]),
    ],
    [
      "tensor: expects a Float32Array, Int32Array or Uint8Array, got Float64Array",
      () => tensor(Float64Array.of(1) as unknown as Float32Array<ArrayBuffer>),
    ],
    ["tensor: 3 values do not fill a tensor of shape [2, 2]", () => tensor([1, 2, 3], [2, 2])],
    ["full: dimensions must be whole numbers ≥ 0, got [2, -1]", () => zeros([2, -1])],
    ["add: shapes [2, 3] and [2, 2] do not broadcast", () => zeros([2, 3]).add(zeros([2, 2]))],
    ["where: shapes [2] and [3] do not broadcast", () => where(zeros([2]).lt(1), zeros([3]), 0)],
    [
      "matmul: cannot multiply [2, 3] by [2, 3]: the inner dimensions differ",
      () => zeros([2, 3]).matmul(zeros([2, 3])),
    ],
    [
      "matmul: shapes [2] and [3] do not broadcast",
      () => zeros([2, 1, 1]).matmul(zeros([3, 1, 1])),
    ],
    [
      "matmul: expects f32, got i32; convert it with .float()",
      () => zeros([1, 1], "i32").matmul(zeros([1, 1])),
    ],
    [
      "linear: weight [5, 4] expects 4 features, got 3 (input [2, 3]); pass inFeatures: 3",
      () => new nn.Linear(4, 5)(zeros([2, 3])),
    ],
    [
      "linear: bias must be [5], one number for each output feature, got [4]",
      () => F.linear(zeros([2, 3]), zeros([5, 3]), zeros([4])),
    ],
    [
      "conv2d: weight expects 3 input channels, got 1 (input [8, 1, 28, 28]); pass inChannels: 1",
      () => new nn.Conv2d(3, 4, 5)(image),
    ],
    [
      "conv2d: expects an input [n, c, h, w] and a weight [o, c, kh, kw], got [28, 28] and [4, 1, 3, 3]",
      () => new nn.Conv2d(1, 4, 3)(zeros([28, 28])),
    ],
    [
      "conv2d: a window of 31 does not fit into height 28 with padding 1; use a larger image or a smaller kernel",
      () => new nn.Conv2d(1, 4, 31, { padding: 1 })(image),
    ],
    [
      "conv2d: bias must be [4], one number for each output channel, got [1]",
      () => F.conv2d(image, zeros([4, 1, 3, 3]), zeros([1])),
    ],
    [
      "conv2d: expects f32, got u8; convert it with .float()",
      () => F.conv2d(zeros([1, 1, 3, 3], "u8"), zeros([1, 1, 3, 3])),
    ],
    [
      "conv2d: stride must be a whole number ≥ 1, got 0",
      () => F.conv2d(image, zeros([4, 1, 3, 3]), undefined, { stride: 0 }),
    ],
    [
      "conv2d: weight needs at least one output and one input channel, got [0, 1, 3, 3]",
      () => F.conv2d(image, zeros([0, 1, 3, 3])),
    ],
    [
      "conv2d: weight needs at least one output and one input channel, got [4, 0, 3, 3]",
      () => F.conv2d(zeros([1, 0, 3, 3]), zeros([4, 0, 3, 3])),
    ],
    [
      "conv2d: 3 output channels cannot be split into 2 groups",
      () => F.conv2d(zeros([1, 2, 3, 3]), zeros([3, 1, 1, 1]), undefined, { groups: 2 }),
    ],
    [
      "Conv2d: 3 input and 4 output channels cannot be split into 2 groups",
      () => new nn.Conv2d(3, 4, 3, { groups: 2 }),
    ],
    [
      "maxPool2d: padding must be at most half of the window, got padding [2, 2] for window [3, 3]",
      () => F.maxPool2d(image, 3, { padding: 2 }),
    ],
    ["avgPool2d: expects an input [n, c, h, w], got [28]", () => F.avgPool2d(zeros([28]), 2)],
    [
      "crossEntropy: expects logits [n, classes] and targets [n], got [4, 10] and [3]",
      () => F.crossEntropy(zeros([4, 10]), zeros([3], "i32")),
    ],
    [
      "crossEntropy: targets are class numbers and must be i32, got f32; convert them with .int()",
      () => F.crossEntropy(zeros([4, 10]), zeros([4])),
    ],
    [
      "cat: tensors must agree in dtype and in every dimension but 0, got f32 [2, 3] and f32 [2, 2]",
      () => cat([zeros([2, 3]), zeros([2, 2])]),
    ],
    [
      "cat: tensors must agree in dtype and in every dimension but 1, got f32 [2, 1] and i32 [2, 1]",
      () => stack([zeros([2]), zeros([2], "i32")], 1),
    ],
    ["cat: expects at least one tensor", () => cat([])],
    ["reshape: [2, 3] holds 6 elements, [4, -1] does not", () => zeros([2, 3]).reshape(4, -1)],
    ["reshape: [2, 3] holds 6 elements, [5] does not", () => zeros([2, 3]).view(5)],
    ["permute: [0, 0] is not an order of 2 dimensions", () => zeros([2, 3]).permute(0, 0)],
    ["T: expects a matrix, got [2]; use transpose(a, b)", () => zeros([2]).T],
    ["expand: [2, 3] cannot be repeated to [4, 3]", () => zeros([2, 3]).expand(4, 3)],
    ["expand: dimensions must be whole numbers ≥ 0, got [-1, 3]", () => zeros([3]).expand(-1, 3)],
    ["flatten: dimension 1 comes after 0", () => zeros([2, 3]).flatten(1, 0)],
    ["slice: bounds must be whole numbers, got 0.5", () => zeros([3]).slice([0.5, 2])],
    ["sum: dimension 2 is outside a tensor of 2 dimensions", () => zeros([2, 3]).sum(2)],
    ["sum: dimension named twice in [0, 0]", () => zeros([2, 3]).sum([0, -2])],
    ["max: there is no largest of no elements", () => zeros([0, 3]).max(0)],
    ["mean: expects f32, got i32; convert it with .float()", () => zeros([2], "i32").mean()],
    ["relu: expects f32, got i32; convert it with .float()", () => zeros([2], "i32").relu()],
    ["slice: 2 ranges for 1 dimensions", () => zeros([2]).slice(null, null)],
    ["slice: the step must be a whole number ≥ 1, got 0", () => zeros([2]).slice([0, 2, 0])],
    [
      "pad: expects a pair for each of at most 1 dimensions, got 3 numbers",
      () => zeros([2]).pad([1, 1, 1]),
    ],
    ["pad: dimensions must be whole numbers ≥ 0, got [-1, 0]", () => zeros([2]).pad([-1, 0])],
    ["dropout: p must lie between 0 and 1, got 2", () => F.dropout(zeros([2]), 2)],
    ["Dropout: p must lie between 0 and 1, got NaN", () => new nn.Dropout(Number.NaN)],
  ])("%s", (message, run) => {
    let came: unknown;
    try {
      run();
    } catch (error) {
      came = error;
    }
    expect((came as Error | undefined)?.message).toBe(message);
  });

  it("item() of several elements", async () => {
    await expect(zeros([2, 1]).item()).rejects.toThrow("item: expects one element, got [2, 1]");
  });

  it("a target that is no class, when it is read", async () => {
    const loss = F.crossEntropy(zeros([2, 3]), tensor(Int32Array.of(0, 3)));
    await expect(loss.data()).rejects.toThrow(/3/);
  });
});

it("oneHot marks nothing for a label outside", async () => {
  expect(await oneHot(tensor(Int32Array.of(1, 5)), 3).tolist()).toEqual([
    [0, 1, 0],
    [0, 0, 0],
  ]);
});
