import { describe, expect, it } from "vitest";
import { fovea } from "./run.js";

describe("fovea summary", () => {
  it("prints AlexNet as the notebook's loop does, then a table", async () => {
    const { code, out, err } = await fovea(["summary", "alexnet"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.split("\n");
    expect(lines.slice(0, 22)).toEqual([
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
      "",
    ]);
    expect(lines[22]).toMatch(/^layer +type +output shape +parameters +multiply-adds +activation$/);
    expect(lines[24]).toMatch(/^0 +Conv2d +\[1, 96, 54, 54\] +11,712 +33,872,256 +1\.12 MB$/);
    expect(lines.at(-2)).toMatch(/^total +46,764,746 +938,146,176 +5\.36 MB$/);
  });

  it("gives JSON with the layers in the order in which they run", async () => {
    const { code, out } = await fovea(["summary", "lenet", "--json", "--input", "2x1x28x28"]);
    expect(code).toBe(0);
    const { model, input, layers, parameters, ...rest } = JSON.parse(out);
    expect({ model, input, parameters, rest }).toEqual({
      model: "lenet",
      input: [2, 1, 28, 28],
      parameters: 61_706,
      rest: {},
    });
    expect(layers.map((layer: { type: string }) => layer.type).join()).toBe(
      "Conv2d,Sigmoid,AvgPool2d,Conv2d,Sigmoid,AvgPool2d,Flatten,Linear,Sigmoid,Linear,Sigmoid,Linear",
    );
    expect(layers[3]).toEqual({
      name: "3",
      type: "Conv2d",
      outputShape: [2, 16, 10, 10],
      parameters: 2416,
      macs: 480_000,
    });
  });

  it.each([
    [["alexnett"], 2, 'there is no model "alexnett"; did you mean "alexnet"?'],
    [["zzzzzzzzzz"], 2, 'there is no model "zzzzzzzzzz"; there are lenet, alexnet'],
    [
      ["alexnet", "--input", "224x224"],
      2,
      "option '--input <shape>' argument '224x224' is invalid. Expected batch, channels, height and width, such as 1x1x224x224.",
    ],
    [
      ["lenet", "--input", "1x1x4x4"],
      1,
      "conv2d: a window of 5 does not fit into height 2 with padding 0; use a larger image or a smaller kernel",
    ],
  ])("says what is wrong with %j", async (args, code, message) => {
    expect(await fovea(["summary", ...args])).toEqual({
      code,
      out: "",
      err: `error: ${message}\n`,
    });
  });
});
