// The weights that `fovea train` starts from: those of files and runs, and why some are refused.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { TypedArray } from "../../src/graph/dtype.js";
import { encodePth } from "../support/pth.js";
import { fovea } from "./run.js";
import { short, subset, trainings } from "./trainings.js";

const { at, bytes, tensors, trained } = trainings();

/** As a file of PyTorch's takes them. A LeNet has no counters. */
const asWritable = (entries: Awaited<ReturnType<typeof tensors>>) =>
  [...entries].map(
    ([name, { shape, data }]) => [name, { shape, data: data as TypedArray }] as const,
  );

/** A run to start others from. */
beforeAll(async () => {
  await trained("start", ...short, "--max-steps", "2");
}, 60_000);

describe("fovea train --init", () => {
  it("loads what fits of a file with --partial, says what it left, and freezes by name", async () => {
    const file = join(at("start"), "weights.safetensors");
    const args = [...short, "--init", file, "--resize", "32", "--max-steps", "2"];
    const { code, err } = await fovea([...args, "--out", at("never")]);
    expect(code).toBe(1);
    expect(err.split("\n").at(-2)).toBe(
      `error: ${file}: has other shapes than lenet here: 7.weight: [120, 576] here, [120, 400] there; ` +
        "--partial loads what fits",
    );

    const tuned = await trained("tuned", ...args, "--partial", "--freeze", "0", "3.bias", "7");
    expect(tuned.err).toContain(
      `${file}: loaded 9 of 10 tensors\n  left 7.weight: [120, 576] here, [120, 400] there\n` +
        "5 of 10 parameters are frozen; ",
    );
    expect(tuned.err).toContain(
      "\nfrozen with new values, as the file has none that fit: 7.weight\n",
    );
    const same = async (name: string) =>
      (await bytes("tuned", name)).equals(await bytes("start", name));
    for (const name of ["0.weight", "0.bias", "3.bias"]) expect(await same(name)).toBe(true);
    for (const name of ["3.weight", "9.weight", "11.bias"]) expect(await same(name)).toBe(false);
  });

  it("starts from PyTorch's files as from safetensors, whatever they are called", async () => {
    const own = await tensors("start");
    const file = at("torch.bin");
    await writeFile(file, encodePth(asWritable(own)));
    const args = [...short, "--max-steps", "2"];
    await trained("of-torch", ...args, "--init", file);
    await trained("of-run", ...args, "--init", at("start"));
    for (const name of own.keys())
      expect((await bytes("of-torch", name)).equals(await bytes("of-run", name)), name).toBe(true);
  });

  it("starts from what DataParallel has saved, and says what it leaves out of its names", async () => {
    const start = asWritable(await tensors("start"));
    const wrapped = start.map(([name, entry]) => [`module.${name}`, entry] as const);
    const file = at("parallel.pth");
    await writeFile(file, encodePth(wrapped));
    const { err } = await trained("parallel", ...short, "--max-steps", "2", "--init", file);
    expect(err).toContain(`${file}: all names in it begin with "module.", which is left out\n`);
    for (const name of (await tensors("of-run")).keys())
      expect((await bytes("parallel", name)).equals(await bytes("of-run", name)), name).toBe(true);
  });

  it("names the tensor that was probably meant, and refuses files that would run code", async () => {
    const start = asWritable(await tensors("start"));
    const renamed = start.map(
      ([name, entry]) => [name.replace("weight", "weights"), entry] as const,
    );
    const file = at("module.pth");
    await writeFile(file, encodePth(renamed));
    const outcome = async () => {
      const { code, err } = await fovea([...short, "--init", file, "--out", at("never")]);
      return [code, err.split("\n").at(-2)];
    };
    expect(await outcome()).toEqual([
      1,
      `error: ${file}: holds the weights of another network, not of lenet: 0.weight: not in the file, ` +
        "which has 0.weights; 3.weight: not in the file, which has 3.weights; … (10 in all); " +
        "--partial loads what fits",
    ]);
    const { files } = JSON.parse(
      await readFile(new URL("../golden/pth.golden.json", import.meta.url), "utf8"),
    );
    await writeFile(file, Buffer.from(files["payload 2"], "base64"));
    expect(await outcome()).toEqual([
      1,
      `error: ${file}: asks for Python's posix.system, and nothing but tensors, dicts, numbers and ` +
        "strings is read; in Python, torch.save(net.state_dict(), …) saves the weights alone",
    ]);
  });

  it("refuses weights that are not finite, before a training ends with them", async () => {
    const start = asWritable(await tensors("start"));
    const spoil = (name: string, value: number, ...places: readonly number[]) => {
      const { data } = new Map(start).get(name)!;
      for (const place of places) data[place] = value;
    };
    const file = at("spoiled.pth");
    const outcome = async () => {
      await writeFile(file, encodePth(start));
      const { code, err } = await fovea([...short, "--init", file, "--out", at("never")]);
      return [code, err.split("\n").at(-2)];
    };
    const wayOut =
      "; take weights of before they became so, or leave these tensors out of the file and load it with --partial";
    spoil("7.weight", Number.NaN, 0, 7, 47_999);
    expect(await outcome()).toEqual([
      1,
      `error: ${file}: holds values that are NaN or infinite, with which no training can begin: ` +
        `3 of 48,000 in 7.weight${wayOut}`,
    ]);
    spoil("0.bias", Number.POSITIVE_INFINITY, 0);
    spoil("3.bias", Number.NEGATIVE_INFINITY, 1, 2);
    spoil("11.bias", Number.NaN, 9);
    expect(await outcome()).toEqual([
      1,
      `error: ${file}: holds values that are NaN or infinite, with which no training can begin: ` +
        `1 of 6 in 0.bias, 2 of 16 in 3.bias, 3 of 48,000 in 7.weight, … (4 tensors in all)${wayOut}`,
    ]);
    expect(existsSync(at("never"))).toBe(false);
  });

  it("names the network that a file is of", async () => {
    const file = join(at("start"), "weights.safetensors");
    const nin = ["train", "nin", "--data-dir", subset, "--init", file, "--out", at("never")];
    const { code, err } = await fovea(nin);
    expect(code).toBe(1);
    expect(err.split("\n").at(-2)).toBe(
      `error: ${file}: holds the weights of another network, probably of lenet, not of nin: ` +
        "0.0.weight: not in the file; 0.0.bias: not in the file; … (34 in all); --partial loads what fits",
    );
    const partial = await fovea([...nin, "--partial"]);
    expect(partial.err.split("\n").at(-2)).toBe(
      `error: ${file}: holds the weights of another network, probably of lenet, not of nin: nothing of it fits`,
    );
  });
});
