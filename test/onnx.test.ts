// Every network of the registry as an ONNX file in onnxruntime: logits within 1e-4 of Fovea's, for 1 and 7
// images with the same file. Weights are such that logits tell images apart, so that no layer can be
// missing or wrong unnoticed.

import { spawnSync } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeOnnx } from "../src/formats/index.js";
import { arange, manualSeed, models, nn, rand, randn, setBackend } from "../src/index.js";
import { root } from "./cli/run.js";
import { openVerified } from "./conformance/verified.js";
import { runProgram } from "./support/documents.js";
import { expectSame, openModel } from "./support/onnx.js";

const backend = openVerified("native");
let folder: string;
beforeAll(async () => {
  if (typeof backend !== "string") setBackend(backend);
  folder = await mkdtemp(join(tmpdir(), "fovea-onnx-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  if (typeof backend !== "string") await backend.close();
});

/** Sides of smaller images than a network's own, where it takes them: the graph is the same. */
const sides: Readonly<Record<string, number>> = {
  alexnet: 96,
  "alexnet-lite": 96,
  vgg11: 64,
  vgg13: 64,
  vgg16: 64,
  vgg19: 64,
  // whose maps the adaptive pool makes 7×7, from 2×2 or 3×3
  "torchvision/vgg11": 64,
  "torchvision/vgg13": 96,
  "torchvision/vgg16": 64,
  "torchvision/vgg19": 64,
  "torchvision/googlenet": 96,
};

/** The hidden fully connected layers with 64 features for 4,096: of VGG, they are most of half a gigabyte. */
function slim(net: nn.Network): void {
  const narrow = (features: number) => (features === 4096 ? 64 : features);
  for (const module of [...net.modules()]) {
    for (const [name, child] of [...module.namedChildren()]) {
      if (!(child instanceof nn.Linear)) continue;
      const { inFeatures, outFeatures } = child;
      module.addModule(name, new nn.Linear(narrow(inFeatures), narrow(outFeatures)));
    }
  }
}

/** Weights that keep the size of what passes through (He et al. 2015), and statistics that are no 0 and 1. */
function fill(net: nn.Network): void {
  for (const [name, state] of net.namedStates()) {
    const { shape } = state;
    if (shape.length > 1) state.set(randn(shape).mul(Math.sqrt(2 / nn.init.fans(shape).fanIn)));
    else if (/running_var|bn\.weight/.test(name)) state.set(rand(shape).add(0.5));
    else if (state.dtype === "f32") state.set(rand(shape).sub(0.5).mul(0.2));
  }
}

/** Noise of another brightness in each image. */
const images = (count: number, shape: readonly number[]) =>
  randn([count, ...shape]).add(arange(count).reshape(count, 1, 1, 1).float().mul(0.3));

/** What Python's onnx package says of a file; undefined where there is no such package. */
function checkedByOnnx(file: string): string | undefined {
  const program = [
    "import sys, onnx",
    "model = onnx.load(sys.argv[1])",
    "onnx.checker.check_model(model, full_check=True)",
    "onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)",
    "print('fine')",
  ].join("\n");
  const python = ["python3", "/usr/bin/python3"].find(
    (name) => spawnSync(name, ["-c", "import onnx"]).status === 0,
  );
  if (!python) return undefined;
  const { stdout, stderr } = spawnSync(python, ["-c", program, file], { encoding: "utf8" });
  return (stdout + stderr).trim();
}

describe("networks in onnxruntime", () => {
  it.for(Object.keys(models))("%s", async (name, { skip }) => {
    if (typeof backend === "string") skip(backend);
    const spec = models[name]!;
    const side = sides[name] ?? spec.input[1];
    const image = [spec.input[0], side, side] as const;
    manualSeed(5);
    const net = spec.build({ inputSize: [side, side] });
    slim(net);
    fill(net);
    const file = join(folder, `${name.replace("/", "-")}.onnx`);
    await writeOnnx(file, net, image);
    const model = await openModel(file);
    await expectSame(net, model, images(1, image), 1e-4);
    const logits = await expectSame(net, model, images(7, image), 1e-4);
    const apart = (i: number) => Math.abs(logits[i]! - logits[i + 6 * spec.numClasses]!);
    const furthest = Math.max(...Array.from({ length: spec.numClasses }, (_, i) => apart(i)));
    expect(furthest).toBeGreaterThan(0.01);
    await model.release();
  });

  it.for(["lenet", "alexnet-2012", "googlenet", "torchvision/vgg13", "torchvision/googlenet"])(
    "the file of %s is in order for ONNX's own checker",
    async (name, { skip }) => {
      if (typeof backend === "string") skip(backend);
      const file = join(folder, `${name.replace("/", "-")}.onnx`);
      expect((await stat(file)).size).toBeGreaterThan(100_000);
      const said = checkedByOnnx(file);
      if (said === undefined) skip("Python's onnx is not installed");
      expect(said).toBe("fine");
    },
  );
});

it("examples/onnx.ts has the same answers from both", { timeout: 120_000 }, async () => {
  const { code, out, err } = await runProgram(join(root, "examples", "onnx.ts"), [], folder);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const answers = [...out.matchAll(/^Fovea: (.+), onnxruntime: (.+)$/gm)];
  expect(answers.map(([, ours]) => ours)).toEqual(answers.map(([, , theirs]) => theirs));
  expect(new Set(answers.map(([, ours]) => ours)).size).toBeGreaterThan(2);
  const [, furthest] = /logits differ by (\S+) at most/.exec(out)!;
  expect(Number(furthest)).toBeLessThanOrEqual(1e-4);
});
