// What summarize says of the networks, against the notebooks and against counts by hand.

import { describe, expect, it } from "vitest";
import { lenet, models, nn, randomState, type Tensor } from "../index.js";

const lines = (name: string, input: number[]) =>
  nn
    .summarize(models[name]!.build(), input)
    .children.map(({ label, outputShape }) => `${label} output shape: [${outputShape.join(", ")}]`);

describe("summarize", () => {
  it("prints alexnet as the notebook does", () => {
    expect(lines("alexnet", [1, 1, 224, 224])).toEqual([
      "Conv2d output shape: [1, 96, 54, 54]",
      "ReLU output shape: [1, 96, 54, 54]",
      "MaxPool2d output shape: [1, 96, 26, 26]",
      "Conv2d output shape: [1, 256, 26, 26]",
      "ReLU output shape: [1, 256, 26, 26]",
      "MaxPool2d output shape: [1, 256, 12, 12]",
      "Conv2d output shape: [1, 384, 12, 12]",
      "ReLU output shape: [1, 384, 12, 12]",
      "Conv2d output shape: [1, 384, 12, 12]",
      "ReLU output shape: [1, 384, 12, 12]",
      "Conv2d output shape: [1, 256, 12, 12]",
      "ReLU output shape: [1, 256, 12, 12]",
      "MaxPool2d output shape: [1, 256, 5, 5]",
      "Flatten output shape: [1, 6400]",
      "Linear output shape: [1, 4096]",
      "ReLU output shape: [1, 4096]",
      "Dropout output shape: [1, 4096]",
      "Linear output shape: [1, 4096]",
      "ReLU output shape: [1, 4096]",
      "Dropout output shape: [1, 4096]",
      "Linear output shape: [1, 10]",
    ]);
  });

  it("prints lenet as d2l does", () => {
    expect(lines("lenet", [1, 1, 28, 28])).toEqual([
      "Conv2d output shape: [1, 6, 28, 28]",
      "Sigmoid output shape: [1, 6, 28, 28]",
      "AvgPool2d output shape: [1, 6, 14, 14]",
      "Conv2d output shape: [1, 16, 10, 10]",
      "Sigmoid output shape: [1, 16, 10, 10]",
      "AvgPool2d output shape: [1, 16, 5, 5]",
      "Flatten output shape: [1, 400]",
      "Linear output shape: [1, 120]",
      "Sigmoid output shape: [1, 120]",
      "Linear output shape: [1, 84]",
      "Sigmoid output shape: [1, 84]",
      "Linear output shape: [1, 10]",
    ]);
  });

  it("counts parameters and multiply-adds", () => {
    const alexnet = nn.summarize(models.alexnet!.build(), [1, 1, 224, 224]);
    expect(alexnet.parameters).toBe(46_764_746);
    expect(alexnet.layers.reduce((sum, l) => sum + l.parameters, 0)).toBe(46_764_746);
    const conv = (o: number, c: number, k: number, size: number) => o * c * k * k * size * size;
    expect(alexnet.macs).toBe(
      conv(96, 1, 11, 54) +
        conv(256, 96, 5, 26) +
        conv(384, 256, 3, 12) +
        conv(384, 384, 3, 12) +
        conv(256, 384, 3, 12) +
        6400 * 4096 +
        4096 * 4096 +
        40960,
    );
    const two = nn.summarize(lenet(), [2, 1, 28, 28]);
    expect(two.parameters).toBe(61_706);
    expect(two.layers[0]).toEqual({
      name: "0",
      type: "Conv2d",
      outputShape: [2, 6, 28, 28],
      parameters: 156,
      macs: 2 * conv(6, 1, 5, 28),
      activationBytes: 4 * 2 * 6 * 28 * 28,
    });
  });

  it("labels children by name where they are blocks, and leaves by dotted names in order", () => {
    class Net extends nn.Module {
      head = new nn.Linear(3, 2);
      body = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU());
      override forward(x: Tensor): Tensor {
        return this.head(this.body(x));
      }
    }
    const { children, layers } = nn.summarize(new Net(), [5, 4]);
    expect(children.map((c) => c.label)).toEqual(["head", "body"]);
    expect(layers.map((l) => [l.name, l.macs])).toEqual([
      ["body.0", 60],
      ["body.1", 0],
      ["head", 30],
    ]);
  });

  it("changes nothing: no random number is drawn", () => {
    const net = models.alexnet!.build();
    const before = randomState();
    nn.summarize(net, [1, 1, 224, 224]);
    expect(randomState()).toEqual(before);
  });

  it("says what does not fit", () => {
    expect(() => nn.summarize(lenet(), [1, 3, 28, 28])).toThrow(
      "conv2d: weight expects 1 input channels, got 3 (input [1, 3, 28, 28]); pass inChannels: 3",
    );
  });
});
