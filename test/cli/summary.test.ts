import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { models } from "../../src/index.js";
import { lenetConfig } from "../support/runs.js";
import { fovea, temporaryFolder } from "./run.js";

const at = temporaryFolder();

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

  it("lists all networks when none is named", async () => {
    const { code, out, err } = await fovea(["summary"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^network +images +classes +parameters +source$/);
    expect(lines[2]).toMatch(/^lenet +1×28×28 +10 +61,706 +Dive into Deep Learning$/);
    expect(lines.at(-1)).toMatch(
      /^torchvision\/googlenet +3×224×224 +1000 +13,004,888 +torchvision$/,
    );

    const json = JSON.parse((await fovea(["summary", "--json"])).out);
    expect(json.map((row: { model: string }) => row.model)).toEqual(Object.keys(models));
    expect(json[11]).toEqual({
      model: "googlenet",
      input: [1, 96, 96],
      numClasses: 10,
      parameters: 5_977_530,
      source: "course notebook",
    });
  });

  it("shows blocks by name, for images and classes of the user's", async () => {
    const args = ["summary", "vgg11-small", "--input", "2x3x64x96", "--classes", "3"];
    const { out } = await fovea(args);
    expect(out.split("\n").slice(0, 7)).toEqual([
      "vgg_block_1 output shape: [2, 8, 32, 48]",
      "vgg_block_2 output shape: [2, 16, 16, 24]",
      "vgg_block_3 output shape: [2, 32, 8, 12]",
      "vgg_block_4 output shape: [2, 64, 4, 6]",
      "vgg_block_5 output shape: [2, 64, 2, 3]",
      "fc output shape: [2, 3]",
      "",
    ]);
  });

  it("takes the size of images alone, and the folder of a run", async () => {
    const shapes = async (...args: string[]) => {
      const { model, input, layers } = JSON.parse(
        (await fovea(["summary", ...args, "--json"])).out,
      );
      return { model, input, output: layers.at(-1).outputShape };
    };
    const small = { model: "vgg11-small", input: [1, 1, 96, 96], output: [1, 10] };
    expect(await shapes("vgg11-small", "--input", "96")).toEqual(small);
    const network = { inChannels: 3, numClasses: 2, inputSize: [64, 96], dropout: null };
    const config = JSON.stringify({ ...lenetConfig(), model: "vgg11-small", network });
    await writeFile(at("config.json"), config);
    const run = { model: "vgg11-small", input: [1, 3, 64, 96], output: [1, 2] };
    expect(await shapes(at("."))).toEqual(run);
    const other = { ...run, input: [1, 3, 32, 32], output: [1, 5] };
    expect(await shapes(at("."), "--input", "32", "--classes", "5")).toEqual(other);
  });

  it("shows auxiliary classifiers", async () => {
    const { out } = await fovea(["summary", "torchvision/googlenet", "--json"]);
    const { layers, parameters } = JSON.parse(out);
    expect(parameters).toBe(13_004_888);
    expect(layers.filter(({ name }: { name: string }) => /^(aux[12]\.)?fc/.test(name))).toEqual([
      expect.objectContaining({ name: "fc", outputShape: [1, 1000] }),
      expect.objectContaining({ name: "aux1.fc1", outputShape: [1, 1024] }),
      expect.objectContaining({ name: "aux1.fc2", outputShape: [1, 1000] }),
      expect.objectContaining({ name: "aux2.fc1", outputShape: [1, 1024] }),
      expect.objectContaining({ name: "aux2.fc2", outputShape: [1, 1000] }),
    ]);
  });

  it.each([
    [["alexnett"], 2, 'there is no model "alexnett"; did you mean "alexnet"?'],
    [
      ["zzzzzzzzzz"],
      2,
      `there is no model "zzzzzzzzzz"; there are ${Object.keys(models).join(", ")}`,
    ],
    [
      ["alexnet", "--input", "224,224"],
      2,
      "option '--input <shape>' argument '224,224' is invalid. Expected a side, height and width, or channels, height and width, such as 64, 48x64 or 3x64x64.",
    ],
    [
      ["lenet", "--input", "1x1x4x4"],
      2,
      "--input: lenet: images of 4×4 are too small: its convolutions and pools leave nothing of them; resize them to 12×12 or more",
    ],
    [["--classes", "3"], 2, "--classes needs a network; name one"],
  ])("says what is wrong with %j", async (args, code, message) => {
    expect(await fovea(["summary", ...args])).toEqual({
      code,
      out: "",
      err: `error: ${message}\n`,
    });
  });
});
