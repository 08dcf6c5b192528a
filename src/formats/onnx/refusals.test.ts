// Networks that no ONNX file can say, and why.

import { describe, expect, it } from "vitest";
import { expectSame, Fn, onnxBytes, openModel, useReference } from "../../../test/support/onnx.js";
import { nn, randn, Tensor, tensor, zeros } from "../../index.js";
import { randomSource } from "../../runtime.js";
import { encodeOnnx, OnnxError } from "./index.js";

const F = nn.functional;
const images = [4, 9, 7];
useReference();

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
