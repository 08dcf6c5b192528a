// Functions of tensors as ONNX, each beside what onnxruntime makes of it, for 1 and for 7 images with the same
// file.

import { describe, expect, it } from "vitest";
import { checkOnnx, Fn, useReference } from "../../../test/support/onnx.js";
import { arange, cat, full, ones, scalar, type Tensor, tensor, where } from "../../index.js";

useReference();

const images = [4, 9, 7];
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
    await checkOnnx(new Fn(fn), images);
  });

  it("a product of matrices is one operator", async () => {
    const net = new Fn((x) => x.matmul(row));
    expect(await checkOnnx(net, [3, 7])).toEqual(["MatMul"]);
  });
});
