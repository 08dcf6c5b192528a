// Weights go to PyTorch and back, bit for bit: from torch.save to a network here, to safetensors, to
// PyTorch's network; and from a network here by way of both formats to one here. Without FOVEA_LONG=1, the
// small ones of these networks, and alexnet for small images: its layers are the same but the first Linear.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openReference } from "../../src/backends/reference/index.js";
import { fromTypedArray, models, type nn, setBackend } from "../../src/index.js";
import { loadWeights, saveWeights } from "../../src/train/index.js";
import { run } from "../cli/run.js";

interface Form {
  readonly network: string;
  readonly channels: number;
  readonly classes: number;
  readonly side: number;
}

const small: readonly Form[] = [
  { network: "lenet", channels: 1, classes: 10, side: 28 },
  { network: "alexnet", channels: 1, classes: 10, side: 96 },
  { network: "googlenet", channels: 1, classes: 10, side: 96 },
  { network: "torchvision/googlenet", channels: 3, classes: 10, side: 96 },
];

/** As in their sources: half a gigabyte each, most of them. */
const whole: readonly Form[] = Object.entries(models).map(([network, { input, numClasses }]) => ({
  network,
  channels: input[0],
  classes: numClasses,
  side: input[1],
}));

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-round-trip-"));
});
afterEach(() => rm(folder, { recursive: true }));

const script = fileURLToPath(new URL("round_trip.py", import.meta.url));

/** One python3 that has PyTorch. */
const python = await (async () => {
  for (const command of ["/usr/bin/python3", "python3"]) {
    const probe = await run(command, ["-c", "import torch, torchvision"]).catch(() => undefined);
    if (probe?.code === 0) return command;
  }
  return undefined;
})();

const build = ({ network, channels, classes, side }: Form) =>
  models[network]!.build({ inChannels: channels, numClasses: classes, inputSize: [side, side] });

/** Bits of all kinds, which no initialisation has; drawing millions takes the reference backend long. */
function fill(net: nn.Network): void {
  let seed = 1;
  for (const state of net.stateDict().values()) {
    const bits = new Uint32Array(state.shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < bits.length; i++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      bits[i] = state.dtype === "i32" ? seed >>> 1 : seed;
    }
    const Values = state.dtype === "i32" ? Int32Array : Float32Array;
    state.set(fromTypedArray(new Values(bits.buffer), state.shape));
  }
}

const groups: readonly { readonly names: string; readonly forms: readonly Form[] }[] = (
  process.env.FOVEA_LONG === "1" ? whole.map((form) => [form]) : [small]
).map((forms) => ({ names: forms.map(({ network }) => network).join(", "), forms }));

it.for(groups)("$names", { timeout: 600_000 }, async ({ forms }, { skip }) => {
  if (python === undefined) return skip("no python3 with PyTorch is installed");
  setBackend(openReference());
  const at = ({ network }: Form, file: string) => join(folder, network.replace("/", "-") + file);
  const torch = async (action: string) => {
    const shapes = forms.map((f) => `${f.network}:${f.channels}:${f.classes}:${f.side}`);
    const { code, out, err } = await run(python, [script, action, folder, ...shapes]);
    expect([code, err]).toEqual([0, ""]);
    return out
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
  };

  const saved = await torch("save");
  for (const form of forms) {
    const net = build(form);
    fill(net);
    await saveWeights(net, at(form, ".own.safetensors"));
    await loadWeights(net, at(form, ".pth"));
    await saveWeights(net, at(form, ".safetensors"));
  }
  expect(await torch("load")).toEqual(saved);

  for (const form of forms) {
    const net = build(form);
    await loadWeights(net, at(form, ".own.pth"));
    await saveWeights(net, at(form, ".back.safetensors"));
    const files = [".own.safetensors", ".back.safetensors"];
    const [before, after] = await Promise.all(files.map((file) => readFile(at(form, file))));
    expect(before!.equals(after!), form.network).toBe(true);
  }
});
