// fovea train --resume where something is not as it was: images, config.json, a checkpoint.

import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bytesOf, lenet } from "./resuming.js";
import { fovea, root, temporaryFolder } from "./run.js";

const at = temporaryFolder();
/** So many commands, on a machine that may be busy. */
const slow = { timeout: 300_000 };
const subset = join(root, "data", "fashion-mnist-subset");

/** The exit code of a resumed run, and the last line that it prints. */
async function resumed(folder: string) {
  const { code, err } = await fovea(["train", "--resume", folder]);
  return [code, err.trimEnd().split("\n").at(-1)];
}
const back = (folder: string) =>
  `bring back the images with which the run began, or start another run from its weights with --init ${folder}`;

it("refuses pictures that have changed, and names the first", slow, async () => {
  const pets = at("pets");
  const corpus = join(root, "test", "corpus", "image");
  const pictures = ["rgba.png", "interlaced.png", "palette.png", "grey.jpg", "turned.jpg"];
  for (const name of ["cat", "dog"]) {
    await mkdir(join(pets, name), { recursive: true });
    for (const picture of pictures)
      await copyFile(join(corpus, picture), join(pets, name, picture));
  }
  const folder = at("run");
  const options = ["--resize", "28", "--batch-size", "4", "--epochs", "1", "--val-fraction", "0.2"];
  const args = ["train", "lenet", "--data", `folder:${pets}`, ...options, "--out", folder];
  expect((await fovea(args)).code).toBe(0);
  const weights = await bytesOf(folder);

  const cat = (name: string) => join(pets, "cat", name);
  const refused = async (problem: string) =>
    expect(await resumed(folder)).toEqual([
      1,
      `error: ${folder}: cannot go on: ${problem}; ${back(folder)}`,
    ]);
  // as long as before, and as large
  const bytes = await readFile(cat("rgba.png"));
  await writeFile(cat("rgba.png"), await readFile(cat("interlaced.png")));
  await refused(`${cat("rgba.png")} has been changed`);
  await writeFile(cat("rgba.png"), bytes);
  await copyFile(cat("grey.jpg"), cat("new.jpg"));
  await refused(`${cat("new.jpg")} was not among its images`);
  await rm(cat("new.jpg"));
  await writeFile(cat("turned.jpg"), "no picture");
  await refused(`${cat("turned.jpg")} is missing, or can no longer be decoded`);
  expect((await bytesOf(folder)).equals(weights)).toBe(true);

  await copyFile(join(corpus, "turned.jpg"), cat("turned.jpg"));
  expect((await resumed(folder))[0]).toBe(0);
  expect((await bytesOf(folder)).equals(weights)).toBe(true);
});

it("refuses a data set of which one byte has changed", slow, async () => {
  const data = at("data");
  await cp(subset, data, { recursive: true });
  const folder = at("published");
  const args = [...lenet, "--data-dir", data, "--epochs", "1", "--out", folder];
  expect((await fovea(args)).code).toBe(0);
  const { gunzipSync, gzipSync } = await import("node:zlib");
  for (const [file, what] of [
    ["t10k-images-idx3-ubyte.gz", "the test images"],
    ["train-labels-idx1-ubyte.gz", "the labels of the training images"],
  ] as const) {
    const before = await readFile(join(data, file));
    const bytes = gunzipSync(before);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(join(data, file), gzipSync(bytes));
    expect(await resumed(folder)).toEqual([
      1,
      `error: ${folder}: cannot go on: ${what} of ${data} have been changed; ${back(folder)}`,
    ]);
    await writeFile(join(data, file), before);
  }
  expect((await resumed(folder))[0]).toBe(0);
});

it("refuses a config.json that has changed, and a checkpoint of another run", slow, async () => {
  const [folder, other] = [at("changed"), at("other")];
  for (const [out, lr] of [
    [folder, "0.9"],
    [other, "0.5"],
  ] as const)
    expect((await fovea([...lenet, "--epochs", "1", "--lr", lr, "--out", out])).code).toBe(0);
  const [name] = ["checkpoint-1.safetensors"];
  const problem =
    `has no checkpoint to go on with: ${join(folder, name)}: is of another run, or of other settings or ` +
    `images than this one now has; start another run from its weights with --init ${folder}`;

  const file = join(folder, "config.json");
  const config = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...config, lr: 0.5 }));
  expect(await resumed(folder)).toEqual([1, `error: ${folder}: ${problem}`]);
  await writeFile(file, JSON.stringify({ ...config, lr: "fast" }));
  expect(await resumed(folder)).toEqual([1, expect.stringMatching(/at lr$/)]);
  await writeFile(file, JSON.stringify(config));

  const own = await readFile(join(folder, name));
  await cp(join(other, name), join(folder, name));
  expect(await resumed(folder)).toEqual([1, `error: ${folder}: ${problem}`]);
  // beside the run's own it does no harm
  await writeFile(join(folder, "checkpoint-2.safetensors"), own);
  const { code, err } = await fovea(["train", "--resume", folder]);
  expect(code).toBe(0);
  expect(err).toContain(
    `${join(folder, name)}: is of another run, or of other settings or images than this one now has; ` +
      `going on from ${join(folder, "checkpoint-2.safetensors")}\n`,
  );
});
