import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { Tensor as OnnxTensor } from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { packageVersion } from "../../src/cli/version.js";
import { encodePng } from "../../src/data/index.js";
import { readSafetensors, readSafetensorsHeader } from "../../src/formats/index.js";
import { load } from "../../src/look/index.js";
import { lenet, manualSeed, nn } from "../../src/node.js";
import { openModel, readModel } from "../support/onnx.js";
import { lenetConfig, writeRun } from "../support/runs.js";
import { main, run, temporaryFolder } from "./run.js";

describe("fovea export", () => {
  const at = temporaryFolder();
  const fovea = (...args: string[]) => run(process.execPath, [main, "export", ...args], at("."));
  const transforms = [
    { name: "Resize", size: [28, 28] },
    { name: "Normalize", mean: [0.25], std: [0.5] },
  ];

  beforeAll(async () => {
    manualSeed(2);
    const net = lenet();
    nn.init.initXavier(net);
    const config = lenetConfig({ transforms: { train: [], eval: transforms } });
    await writeRun(at("first"), config, net);
  });

  it("writes a model that answers as the run does, and tells how to prepare pictures", async () => {
    const { code, out, err } = await fovea("first");
    expect(code).toBe(0);
    expect(err).toMatch(/^wrote first\.onnx \(24\d\.\d kB\)\n$/);
    expect(out).toBe(
      "input   float32 [batch, 1, 28, 28]: grey, (byte / 255 - mean) / std, mean 0.25, std 0.5\n" +
        "logits  float32 [batch, 10]\n",
    );
    const bytes = new Uint8Array(await readFile(at("first.onnx")));
    const { metadata } = readModel(bytes);
    expect(metadata).toEqual({
      fovea: packageVersion,
      model: "lenet",
      classes: JSON.stringify(lenetConfig().classNames),
      channels: "grey",
      height: "28",
      width: "28",
      mean: "[0.25]",
      std: "[0.5]",
      transforms: JSON.stringify(transforms),
    });

    // a picture, prepared by what the metadata says
    const picture = Uint8Array.from({ length: 784 }, (_, i) => 127 + 120 * Math.sin(i / 9));
    const image = { data: picture, channels: 1, height: 28, width: 28 };
    await writeFile(at("picture.png"), await encodePng(image));
    const [mean, std] = [JSON.parse(metadata.mean!)[0], JSON.parse(metadata.std!)[0]];
    const input = Float32Array.from(picture, (byte) => (byte / 255 - mean) / std);
    const model = await openModel(bytes);
    const { logits } = await model.run({ input: new OnnxTensor("float32", input, [1, 1, 28, 28]) });
    const classifier = await load(at("first"), { workers: 0 });
    const wanted = [...(await (await classifier.logits([at("picture.png")])).data())];
    expect(logits!.data).toHaveLength(10);
    for (const [i, v] of wanted.entries())
      expect(Math.abs(v - Number(logits!.data[i]))).toBeLessThanOrEqual(1e-4);
    expect(new Set(wanted).size).toBe(10);
  });

  it("writes weights alone where asked to, by the file's ending too", async () => {
    expect(await fovea("first", "--format", "safetensors")).toEqual({
      code: 0,
      out: "",
      err: "wrote first.safetensors (247.9 kB)\n",
    });
    expect((await fovea("first", "--out", "other.safetensors")).code).toBe(0);
    const file = at("first.safetensors");
    expect(await readFile(file)).toEqual(await readFile(at("other.safetensors")));
    const { metadata } = await readSafetensorsHeader(file);
    expect(metadata.get("format")).toBe("pt");
    expect(JSON.parse(metadata.get("classes")!)).toEqual(lenetConfig().classNames);
    expect(await readSafetensors(file)).toEqual(
      await readSafetensors(at("first/weights.safetensors")),
    );
  });

  it("replaces no file unasked, and takes a fixed number of images", async () => {
    await writeFile(at("kept.onnx"), "precious");
    const { code, err } = await fovea("first", "--out", "kept.onnx");
    expect({ code, err }).toEqual({
      code: 1,
      err: "error: kept.onnx: is there already; choose another --out, or replace it with --force\n",
    });
    expect(await readFile(at("kept.onnx"), "utf8")).toBe("precious");
    const forced = await fovea("first", "--out", "kept.onnx", "--force", "--batch", "4");
    expect(forced.out).toContain("input   float32 [4, 1, 28, 28]");
    const model = await openModel(at("kept.onnx"));
    expect(model.outputMetadata[0]).toMatchObject({ shape: [4, 10] });
  });

  it.each([
    [["nowhere"], 1, "nowhere: there is no such folder; expected the --out of a training"],
    [
      ["."],
      1,
      ".: is not a run: expected a folder with config.json, as fovea train writes it with --out",
    ],
    [
      ["first", "--format", "onxn"],
      2,
      "option '--format <format>' argument 'onxn' is invalid. Allowed choices are onnx, safetensors.",
    ],
    [
      ["first", "--batch", "2", "--format", "safetensors", "--out", "new"],
      2,
      "--batch: weights alone are for any number of images",
    ],
    [
      ["first", "--format", "safetensors", "--out", "new.ONNX"],
      2,
      "--format safetensors, but --out new.ONNX: the name says onnx; change it, or leave --format out",
    ],
    [
      ["first", "--format", "onnx", "--out", "new.safetensors"],
      2,
      "--format onnx, but --out new.safetensors: the name says safetensors; change it, or leave --format out",
    ],
    [
      ["first", "--out", "new.pth"],
      2,
      "--out new.pth: PyTorch's own format is not written; name it .safetensors, which " +
        "safetensors.torch.load_file reads",
    ],
    [
      ["first", "--out", "no/x.onnx"],
      1,
      "no/x.onnx: cannot be written: its folder does not exist (ENOENT)",
    ],
    [[], 2, "missing required argument 'run'; see fovea export --help"],
  ])("says what is wrong with %j", async (args, code, message) => {
    expect(await fovea(...args)).toEqual({ code, out: "", err: `error: ${message}\n` });
    for (const name of ["new", "new.pth", "new.ONNX", "new.safetensors"])
      expect(existsSync(at(name))).toBe(false);
  });
});
