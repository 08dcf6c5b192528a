import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readImage } from "../../src/data/read-image.js";
import { lenetConfig } from "../support/runs.js";
import { fovea, main, root, run, temporaryFolder } from "./run.js";

/** The figures of the documentation, each with the command that draws it. */
const figures: readonly (readonly [file: string, ...args: string[]])[] = [
  ["lenet-alexnet.svg", "lenet", "alexnet"],
  ["alexnet-volumes.svg", "alexnet-rgb", "--style", "volumes"],
  ["alexnet-2012-volumes.svg", "alexnet-2012", "--style", "volumes"],
  ["vgg11.svg", "vgg11"],
  ["nin.svg", "nin"],
  ["inception.svg", "inception"],
  ["googlenet.svg", "googlenet"],
  ["googlenet-overview.svg", "googlenet", "--depth", "2"],
  ["torchvision-googlenet.svg", "torchvision/googlenet"],
];

describe("fovea draw", () => {
  const at = temporaryFolder();

  it.each(figures)("draws docs/figures/%s as it is there", async (file, ...args) => {
    const { code, out, err } = await fovea(["draw", ...args, "--out", "-"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const command = `fovea draw ${args.join(" ")} --out docs/figures/${file}`;
    const kept = readFileSync(join(root, "docs", "figures", file), "utf8");
    expect(out === kept, `run ${command} and look at the picture`).toBe(true);
  });

  it("writes a file of the networks' names, and says which", async () => {
    const folder = at(".");
    const draw = (...args: string[]) => run(process.execPath, [main, "draw", ...args], folder);
    expect(await draw("lenet", "torchvision/alexnet", "--classes", "7")).toEqual({
      code: 0,
      out: "",
      err: "wrote lenet-torchvision-alexnet.svg\n",
    });
    const svg = readFileSync(at("lenet-torchvision-alexnet.svg"), "utf8");
    expect(svg.match(/>FC \(7\)</g)).toHaveLength(2);
    for (const input of ["3x96x96", "1x3x96x96"]) {
      const { err } = await draw("nin", "--input", input, "--out", "own.SVG");
      expect(err).toBe("wrote own.SVG\n");
      expect(readFileSync(at("own.SVG"), "utf8")).toContain(">Input 3×96×96<");
    }
  });

  it("draws pixels into a .png, two each way for one of the SVG's", async () => {
    const draw = (file: string) => fovea(["draw", "lenet", "--out", at(file)]);
    expect((await draw("lenet.png")).err).toBe(`wrote ${at("lenet.png")}\n`);
    await draw("lenet.svg");
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(
      readFileSync(at("lenet.svg"), "utf8"),
    )!;
    const picture = await readImage(at("lenet.png"), 3);
    expect([picture.width, picture.height]).toEqual([2 * Number(width), 2 * Number(height)]);
    // of boxes and text on white
    const dark = picture.data.filter((value) => value < 128).length / picture.data.length;
    expect(dark).toBeGreaterThan(0.005);
    expect(dark).toBeLessThan(0.5);
  });

  it("draws the network of a run, for its pictures and classes", async () => {
    const inputSize: [number, number] = [64, 64];
    const network = { inChannels: 3, numClasses: 2, inputSize, dropout: 0.25 };
    const config = lenetConfig({ model: "vgg11", data: "folder:pets", network });
    await mkdir(at("runs/first"), { recursive: true });
    await writeFile(at("runs/first/config.json"), JSON.stringify(config));
    const { code, err } = await run(process.execPath, [main, "draw", "runs/first"], at("."));
    expect({ code, err }).toEqual({ code: 0, err: "wrote first.svg\n" });
    const svg = readFileSync(at("first.svg"), "utf8");
    for (const text of ["vgg11 on pets", "Input 3×64×64", "FC (2)", "ReLU, Dropout 0.25"]) {
      expect(svg).toContain(`>${text}<`);
    }
    const other = await fovea(["draw", at("runs/first"), "--classes", "7", "--out", "-"]);
    expect(other.out).toContain(">FC (7)<");
    expect((await fovea(["draw", at("runs"), "--out", "-"])).err).toBe(
      `error: ${at("runs")}: is not a run: expected a folder with config.json, as fovea train writes it with --out\n`,
    );
  });

  it.each([
    [["alexnett"], 2, 'there is no network or block "alexnett"; did you mean "alexnet"?'],
    [["incepton"], 2, 'there is no network or block "incepton"; did you mean "inception"?'],
    [
      ["inception", "--classes", "3"],
      2,
      "--classes: inception is a block, which tells no classes apart",
    ],
    [
      ["lenet", "--depth", "0"],
      2,
      "option '--depth <n>' argument '0' is invalid. Expected a whole number, at least 1.",
    ],
    [
      ["lenet", "--style", "boxes"],
      2,
      "option '--style <style>' argument 'boxes' is invalid. Allowed choices are layers, volumes.",
    ],
    [
      ["nin-block", "--input", "5"],
      2,
      "--input: conv2d: a window of 11 does not fit into height 5 with padding 0; use a larger image or a smaller kernel",
    ],
    [[], 2, "missing required argument 'model'; see fovea draw --help"],
    [
      ["lenet", "--out", "lenet.jpg"],
      2,
      "option '--out <file>' argument 'lenet.jpg' is invalid. Expected a name that ends in .svg or .png, or - for stdout.",
    ],
    [
      ["lenet", "--out", "nowhere/lenet.svg"],
      1,
      "nowhere/lenet.svg: cannot be written: its folder does not exist (ENOENT)",
    ],
  ])("says what is wrong with %j", async (args, code, message) => {
    expect(await fovea(["draw", ...args])).toEqual({ code, out: "", err: `error: ${message}\n` });
    expect(existsSync(join(root, "lenet.svg"))).toBe(false);
  });
});
