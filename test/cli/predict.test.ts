import { copyFile, mkdir, writeFile } from "node:fs/promises";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../../src/data/index.js";
import { load, type Prediction } from "../../src/look/index.js";
import { lenet } from "../../src/models/index.js";
import { initXavier } from "../../src/nn/init.js";
import { manualSeed } from "../../src/runtime.js";
import { lenetConfig, writeRun } from "../support/runs.js";
import { fovea, temporaryFolder } from "./run.js";

const at = temporaryFolder();

/** A slope of light, so many pixels wide and high. */
function slope(channels: number, height: number, width: number) {
  const data = Uint8Array.from(
    { length: channels * height * width },
    (_, i) => (255 * (i % width)) / width,
  );
  return { data, channels, height, width };
}

beforeAll(async () => {
  manualSeed(4);
  const net = lenet();
  initXavier(net);
  await writeRun(at("run"), lenetConfig(), net);
  await writeFile(at("grey.png"), await encodePng(slope(1, 28, 28)));
  const colour = slope(3, 90, 160);
  const raw = { channels: 1, height: 90, width: 160 } as const;
  const jpeg = sharp(colour.data.subarray(0, 90 * 160), { raw })
    .toColourspace("srgb")
    .jpeg();
  await writeFile(at("colour.jpg"), await jpeg.toBuffer());
  await writeFile(at("negative.png"), await encodePng(negative(slope(1, 28, 28))));
  await writeFile(at("cut.jpg"), (await jpeg.toBuffer()).subarray(0, 400));
  await writeFile(at("note.txt"), "hello");
});

const negative = (image: ReturnType<typeof slope>) => ({
  ...image,
  data: image.data.map((value) => 255 - value),
});

/** What the library says of a file. */
async function library(file: string, topK: number): Promise<Prediction[]> {
  const model = await load(at("run"), { workers: 0 });
  const answers = await model.predict(file, { topK });
  await model.close();
  return answers;
}

const asText = (file: string, predictions: readonly Prediction[]) =>
  [file, ...predictions.map((p) => `  ${p.className}  ${p.probability.toFixed(4)}`), ""].join("\n");

describe("fovea predict", () => {
  it("prints nothing that a terminal acts on, whatever a stranger's classes are called", async () => {
    const config = lenetConfig();
    const classNames = config.classNames.map((name) => `${name}\x1b[2J\u202e`);
    await writeRun(at("acting"), { ...config, classNames }, lenet());
    const { code, out } = await fovea(["predict", at("acting"), at("grey.png"), "--top", "10"]);
    expect(code).toBe(0);
    expect(out).toContain("digit 9\\u001b[2J\\u202e  ");
    expect(out).not.toMatch(/[^\n\P{Cc}]|\u202e/u);
  });

  it("names the likeliest classes of every picture, grey or colour, of any size", async () => {
    const files = [at("grey.png"), at("colour.jpg")];
    const { code, out, err } = await fovea(["predict", at("run"), ...files, "--top", "3"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const expected = await Promise.all(files.map((file) => library(file, 3)));
    expect(out).toBe(expected.map((predictions, i) => asText(files[i]!, predictions)).join(""));
    expect(out).toMatch(/^.*grey\.png\n( {2}digit \d {2}0\.\d{4}\n){3}.*colour\.jpg\n/);
  });

  it("gives programs all digits", async () => {
    const { out } = await fovea(["predict", at("run"), at("colour.jpg"), "--json"]);
    const predictions = await library(at("colour.jpg"), 5);
    expect(JSON.parse(out)).toEqual([{ file: at("colour.jpg"), predictions }]);
  });

  it("takes the negative on request", async () => {
    const run = ["predict", at("run"), "--json"];
    const plain = JSON.parse((await fovea([...run, at("grey.png")])).out);
    const inverted = JSON.parse((await fovea([...run, "--invert", at("negative.png")])).out);
    expect(inverted[0].predictions).toEqual(plain[0].predictions);
  });

  it("takes the pictures of folders, in their order", async () => {
    await mkdir(at("box/inner"), { recursive: true });
    await mkdir(at("bare"));
    const places = ["box/b.png", "box/c.PNG", "box/inner/a.png"];
    for (const place of places) await copyFile(at("grey.png"), at(place));
    await writeFile(at("box/note.txt"), "hello");
    const predict = (...paths: string[]) => fovea(["predict", at("run"), ...paths, "--top", "1"]);
    const { code, out, err } = await predict(at("grey.png"), at("box"));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const answers = await library(at("grey.png"), 1);
    const files = ["grey.png", ...places].map(at);
    expect(out).toBe(files.map((file) => asText(file, answers)).join(""));
    const problem = "is a folder without pictures (.png, .jpg or .jpeg)";
    const bare = { code: 1, out: "", err: `warning: ${at("bare")}: ${problem}\n` };
    expect(await predict(at("bare"))).toEqual(bare);
  });

  it("names what is no picture, answers the others, and ends with 1", async () => {
    const files = ["cut.jpg", "grey.png", "note.txt", "missing.png"].map(at);
    const { code, out, err } = await fovea(["predict", at("run"), ...files, "--top", "1"]);
    expect(code).toBe(1);
    expect(out).toBe(asText(at("grey.png"), await library(at("grey.png"), 1)));
    const [cut, note, missing, end] = err.split("\n");
    expect(cut).toBe(`warning: ${at("cut.jpg")}: is cut off: its JPEG data ends too early`);
    expect(note).toBe(
      `warning: ${at("note.txt")}: is not a PNG or JPEG image (it starts with bytes 68 65 6c 6c)`,
    );
    expect(missing).toBe(
      `warning: ${at("missing.png")}: cannot be read: there is no such file (ENOENT)`,
    );
    expect(end).toBe("");

    const asked = await fovea(["predict", at("run"), ...files, "--top", "1", "--json"]);
    expect(asked.code).toBe(1);
    const answers: { file: string; error?: string }[] = JSON.parse(asked.out);
    expect(answers.map(({ file }) => file)).toEqual(files);
    expect(answers.map(({ error }) => error !== undefined)).toEqual([true, false, true, true]);
    expect(answers[3]!.error).toBe("cannot be read: there is no such file (ENOENT)");
  });

  it.each([
    [["run"], 2, "missing required argument 'image'; see fovea predict --help"],
    [
      ["run", "grey.png", "--top", "0"],
      2,
      "option '--top <n>' argument '0' is invalid. Expected a whole number, at least 1.",
    ],
  ])("says what is wrong with %j", async (args, code, message) => {
    const err = `error: ${message}\n`;
    expect(await fovea(["predict", ...args])).toEqual({ code, out: "", err });
  });

  it("says which run there is not", async () => {
    expect(await fovea(["predict", at("nowhere"), at("grey.png")])).toEqual({
      code: 1,
      out: "",
      err: `error: ${at("nowhere")}: there is no such folder; expected the --out of a training\n`,
    });
  });
});
