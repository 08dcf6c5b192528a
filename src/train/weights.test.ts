import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openReference } from "../backends/reference/index.js";
import "../engine.js";
import { encodePth } from "../../test/support/pth.js";
import { full, zeros } from "../create.js";
import { encodeSafetensors } from "../formats/safetensors.js";
import { BatchNorm2d, Buffer as Kept, Linear, Module, Sequential } from "../nn/index.js";
import { setBackend } from "../runtime.js";
import type { Tensor } from "../tensor.js";
import { loadWeights, saveWeights, WeightsMismatchError } from "./weights.js";

let folder: string;
beforeAll(async () => {
  setBackend(openReference());
  folder = await mkdtemp(join(tmpdir(), "fovea-weights-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A network whose parameters all have one value. */
function net(value: number, ...sizes: readonly (readonly [number, number])[]): Sequential {
  const layers = sizes.map(([inputs, outputs]) => new Linear(inputs, outputs));
  const made = new Sequential(...layers);
  for (const p of made.parameters()) p.set(full(p.shape, value));
  return made;
}

async function saved(name: string, module: Module): Promise<string> {
  const file = join(folder, name);
  await saveWeights(module, file);
  return file;
}

const first = async (module: Module) =>
  Promise.all([...module.parameters()].map(async (p) => (await p.data())[0]));

describe("loadWeights", () => {
  it("replaces everything", async () => {
    const file = await saved("same", net(2, [3, 4], [4, 2]));
    const target = net(1, [3, 4], [4, 2]);
    const { loaded, left } = await loadWeights(target, file);
    expect(loaded).toEqual(["0.weight", "0.bias", "1.weight", "1.bias"]);
    expect(left).toEqual([]);
    expect(await first(target)).toEqual([2, 2, 2, 2]);
  });

  it("with partial, takes what fits and says what it left, and why", async () => {
    const file = await saved("more", net(2, [3, 4], [4, 5], [5, 5]));
    const target = net(1, [3, 4], [4, 2]);
    const report = await loadWeights(target, file, { partial: true });
    expect(report.loaded).toEqual(["0.weight", "0.bias"]);
    expect(report.left).toEqual([
      { name: "1.weight", reason: "[2, 4] here, [5, 4] there" },
      { name: "1.bias", reason: "[2] here, [5] there" },
      { name: "2.bias", reason: "not in the network" },
      { name: "2.weight", reason: "not in the network" },
    ]);
    expect(await first(target)).toEqual([2, 2, 1, 1]);

    const less = await saved("less", net(2, [3, 4]));
    const { left } = await loadWeights(target, less, { partial: true });
    expect(left.map(({ reason }) => reason)).toEqual(["not in the file", "not in the file"]);
  });

  it("refuses what does not fit, and changes nothing", async () => {
    const file = await saved("other", net(2, [3, 4], [4, 5], [5, 5]));
    const target = net(1, [3, 4], [4, 2]);
    await expect(loadWeights(target, file)).rejects.toThrow(
      new WeightsMismatchError(
        file,
        "does not fit the network; 1.weight: [2, 4] here, [5, 4] there; 1.bias: [2] here, [5] there; " +
          "2.bias: not in the network; 2.weight: not in the network",
        [
          { name: "1.weight", reason: "[2, 4] here, [5, 4] there" },
          { name: "1.bias", reason: "[2] here, [5] there" },
          { name: "2.bias", reason: "not in the network" },
          { name: "2.weight", reason: "not in the network" },
        ],
      ),
    );
    const strange = net(1, [7, 7]);
    await expect(loadWeights(strange, file, { partial: true })).rejects.toThrow(
      /: holds nothing that fits the network; 0\.weight: \[7, 7\] here, \[4, 3\] there; .*; … \(6 in all\)$/,
    );
    expect(await first(target)).toEqual([1, 1, 1, 1]);
  });

  it("reads PyTorch's files, and names what was probably meant", async () => {
    const values = new Map<string, { shape: number[]; data: Float32Array<ArrayBuffer> }>();
    const file = join(folder, "torch");
    const write = () => writeFile(file, encodePth(values));
    values.set("0.weight", { shape: [4, 3], data: new Float32Array(12).fill(5) });
    values.set("0.bias", { shape: [4], data: new Float32Array(4).fill(5) });
    await write();
    const target = net(1, [3, 4]);
    expect(await loadWeights(target, file)).toEqual({ loaded: ["0.weight", "0.bias"], left: [] });
    expect(await first(target)).toEqual([5, 5]);

    values.delete("0.bias");
    values.set("0.biases", { shape: [4], data: new Float32Array(4) });
    values.set("epoch\x1b[2J", { shape: [], data: new Float32Array(1) });
    await write();
    await expect(loadWeights(target, file)).rejects.toThrow(
      `${file}: does not fit the network; 0.bias: not in the file, which has 0.biases; ` +
        '0.biases: not in the network, which has 0.bias; "epoch\\u001b[2J": not in the network',
    );
  });

  it("leaves out what all names begin with where none of the network's does", async () => {
    const values = { shape: [4, 3], data: new Float32Array(12).fill(5) };
    const biases = { shape: [4], data: new Float32Array(4).fill(5) };
    const file = join(folder, "wrapped");
    const target = net(1, [3, 4]);
    const load = async (weight: string, bias: string, into: Module = target) => {
      await writeFile(file, encodePth(Object.entries({ [weight]: values, [bias]: biases })));
      return loadWeights(into, file).catch((error: Error) => error.message.slice(file.length + 2));
    };
    const loaded = ["0.weight", "0.bias"];
    for (const wrapper of ["module.", "_orig_mod.", "module._orig_mod.", "a.b.c.d."]) {
      const report = await load(`${wrapper}0.weight`, `${wrapper}0.bias`);
      expect(report).toEqual({ loaded, left: [], wrapper });
    }
    expect(await first(target)).toEqual([5, 5]);

    // names that both begin so are the network's own
    const wrapped = new Sequential(net(1, [3, 4]));
    expect(await load("0.0.weight", "0.0.bias", wrapped)).toEqual({
      loaded: ["0.0.weight", "0.0.bias"],
      left: [],
    });
    expect(await load("module.0.weight", "0.bias")).toBe(
      "does not fit the network; 0.weight: not in the file, which has module.0.weight; " +
        "module.0.weight: not in the network, which has 0.weight",
    );
    expect(await load("module.0.weight", "module.0.biases")).toBe(
      'does not fit the network, also without "module."; 0.bias: not in the file, which has 0.biases; ' +
        "0.biases: not in the network, which has 0.bias",
    );
    expect(await load("a.b.c.d.e.0.weight", "a.b.c.d.e.0.bias")).toMatch(
      /^does not fit the network; 0\.weight: not in the file, which has a\.b\.c\.d\.e\.0\.weight; /,
    );
  });

  it("does without counters, which PyTorch did not have before 0.4.1", async () => {
    const target = new Sequential(new BatchNorm2d(2));
    const names = ["weight", "bias", "running_mean", "running_var"];
    const values = { shape: [2], data: Float32Array.of(3, 4) };
    const file = join(folder, "old");
    await writeFile(file, encodePth(names.map((name) => [`0.${name}`, values])));
    const { loaded, left } = await loadWeights(target, file);
    expect([loaded, left]).toEqual([names.map((name) => `0.${name}`), []]);
    expect(await target.stateDict().get("0.num_batches_tracked")!.item()).toBe(0);
  });

  it("looks for what was meant among names of any number and length", async () => {
    const file = join(folder, "many");
    const empty = { shape: [0], data: new Float32Array(0) };
    const names = Array.from({ length: 5000 }, (_, i) => `0.weight.${i}`);
    names.push("w".repeat(100_000));
    await writeFile(file, Buffer.concat(encodeSafetensors(names.map((name) => [name, empty]))));
    const { left } = await loadWeights(net(1, [3, 4]), file).catch((error) => error);
    expect(left.length).toBe(5003);
    expect(left[0]).toEqual({ name: "0.weight", reason: "not in the file", nearest: "0.weight.0" });
  });

  it("takes PyTorch's i64 counters as i32, where they fit", async () => {
    class Counting extends Module {
      batches = new Kept(zeros([], "i32"));
      scale = new Kept(zeros([]));
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    /** As torch's BatchNorm2d stores num_batches_tracked. */
    const withCounter = async (value: bigint, name: string) => {
      const target = new Counting();
      const values = { shape: [], data: Float32Array.of(3) };
      const counter = { shape: [2], data: new Int32Array(new BigInt64Array([value]).buffer) };
      const chunks = [...encodeSafetensors(Object.entries({ batches: counter, scale: values }))];
      const bytes = Buffer.concat(chunks).toString("latin1");
      const asI64 = bytes.replace('"dtype":"I32","shape":[2]', '"dtype":"I64","shape":[ ]');
      // counters first, as the format orders by alignment
      const file = join(folder, name);
      await writeFile(file, Buffer.from(asI64, "latin1"));
      return { target, file };
    };
    const small = await withCounter(2_000_000_000n, "small");
    await loadWeights(small.target, small.file);
    expect(await small.target.batches.item()).toBe(2_000_000_000);
    expect(await small.target.scale.item()).toBe(3);

    const large = await withCounter(3_000_000_000n, "large");
    await expect(loadWeights(large.target, large.file)).rejects.toThrow(
      `${large.file}: does not fit the network; batches: too large for i32`,
    );
  });
});
