import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { expectSvg, outsideAddresses, unbalancedTags } from "../../../test/support/markup.js";
import { lenetConfig, writeRun } from "../../../test/support/runs.js";
import type { Dataset } from "../../data/dataset.js";
import { DataLoader } from "../../data/loader.js";
import { lenet, manualSeed } from "../../index.js";
import "../../node.js";
import type { RunConfig } from "../../train/config.js";
import { Classifier } from "../classifier.js";
import { evaluate } from "../evaluate.js";
import { readMetrics } from "../metrics.js";
import { duration } from "../numbers.js";
import { shellLine } from "./command.js";
import { configurationOf } from "./configuration.js";
import { html } from "./html.js";
import { drawReport } from "./report.js";
import { dataTitle } from "./settings.js";
import { writeReport } from "./write.js";

const evil = `<script>alert("1")</script> & 'x'`;
const classNames = [evil, ...Array.from({ length: 9 }, (_, i) => `class ${i}`)] as [string];
const config: RunConfig = lenetConfig({
  classNames,
  lr: 0.9,
  optimizer: "sgd",
  momentum: 0.5,
  nesterov: true,
  epochs: 2,
  schedule: "step",
  stepSize: 1,
  gamma: 0.1,
  warmup: 1,
  shuffle: true,
  trainExamples: 60000,
  testExamples: 40,
  imageShape: [1, 28, 28],
  init: "</title>",
  versions: { fovea: "0.1.0" },
  startedAt: "2025-01-02T03:04:05.678Z",
});
const dataset: Dataset = {
  images: Uint8Array.from({ length: 40 * 784 }, (_, i) => (i * 31) % 256),
  labels: Uint8Array.from({ length: 40 }, (_, i) => i % 10),
  count: 40,
  channels: 1,
  height: 28,
  width: 28,
  classNames,
  source: "memory <&>",
};
const epochLine = (epoch: number, testAcc: number | null) =>
  `${JSON.stringify({ epoch, trainLoss: 1.5, trainAcc: 0.25, testLoss: 1, testAcc, lr: 0.9, examplesPerSecond: 1234.4, seconds: 40, waited: 0 })}\n`;
const steps = Array.from(
  { length: 10 },
  (_, i) =>
    `${JSON.stringify({ step: i + 1, epoch: 1 + Math.floor(i / 5), loss: 2, lr: i < 5 ? 0.9 : 0.09 })}\n`,
);
const metricsText = [
  ...steps.slice(0, 5),
  epochLine(1, 0.5),
  ...steps.slice(5),
  epochLine(2, 0.75),
];

let folder: string;
const at = (name: string) => join(folder, name);
const net = () => {
  manualSeed(1);
  return lenet();
};
const loader = () => new DataLoader(dataset, { batchSize: 16, workers: 0 });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-report-"));
  await writeRun(at("run"), config, net());
  await writeFile(join(at("run"), "metrics.jsonl"), metricsText.join(""));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the report of a run", () => {
  let page: string;
  beforeAll(async () => {
    await writeReport(at("run"), net(), loader());
    page = await readFile(join(at("run"), "report.html"), "utf8");
  });
  const section = (title: string) =>
    new RegExp(`<section>\\n<h2>${title}</h2>([\\s\\S]*?)</section>`).exec(page)?.[1] ?? "";

  it("is a whole page that needs nothing from elsewhere and runs nothing", () => {
    expect(page).toMatch(/^<!DOCTYPE html>\n<html lang="en">/);
    expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(unbalancedTags(page)).toEqual([]);
    expect(outsideAddresses(page)).toEqual([]);
    expect(page.toLowerCase()).not.toContain("<script");
    expect(page.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:/);
    expect(page.length).toBeLessThan(2_000_000);
  });

  it("shows names as text, whatever they are", () => {
    const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; 'x'";
    expect(section("Each class")).toContain(`<th scope="row">${escaped}</th>`);
    expect(section("Configuration")).toContain("<td>&lt;/title&gt;</td>");
    expect(section("Confusion matrix")).toContain("memory &lt;&amp;&gt;");
  });

  it("has pictures that can be drawn, whose ids are unique", async () => {
    const svgs = page.match(/<svg[\s\S]*?<\/svg>/g)!;
    expect(svgs.length).toBeGreaterThanOrEqual(5);
    for (const svg of svgs) await expectSvg(svg);
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of page.matchAll(/url\(#([^)]*)\)/g)) expect(ids).toContain(id);
  });

  it("tells the figures of the run and of the evaluation", async () => {
    const figures = [...page.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)<\/dd>/g)];
    expect(Object.fromEntries(figures.map(([, name, value]) => [name, value]))).toEqual({
      "test accuracy": "0.750",
      "training accuracy": "0.250",
      "training loss": "1.500",
      epochs: "2",
      time: "1 min 20 s",
      "examples/s": "1,234",
      parameters: "61,706",
    });
    const { accuracy, loss, perClass } = await evaluate(net(), loader());
    expect(section("Confusion matrix")).toContain(
      `Accuracy ${accuracy.toFixed(4)}, loss ${loss.toFixed(4)} on 40 test images, from`,
    );
    const rows = [...section("Each class").matchAll(/<tr><th scope="row">.*<\/tr>/g)];
    expect(rows.length).toBe(10);
    const share = (value: number | null) => (value === null ? "–" : value.toFixed(3));
    for (const [i, { support, precision, recall, f1 }] of perClass.entries()) {
      const cells = [...rows[i]![0].matchAll(/<td class="n">([^<]*)</g)].map((match) => match[1]);
      expect(cells).toEqual([String(support), ...[precision, recall, f1].map(share)]);
    }
    expect(section("Network")).toContain('<td>Conv2d</td><td>6×28×28</td><td class="n">156</td>');
    expect(section("Filters of the first convolution")).toContain("0: 6 filters of 5×5");
  });

  it("tells how far it is with the images", async () => {
    const told: [done: number, total: number][] = [];
    await writeReport(at("run"), net(), loader(), (done, total) => told.push([done, total]));
    expect(told).toEqual([0, 16, 32, 40].map((done) => [done, 40]));
  });

  it("is the same each time, and leaves no other file behind", async () => {
    await writeReport(at("run"), net(), loader());
    expect(await readFile(join(at("run"), "report.html"), "utf8")).toBe(page);
    const files = ["config.json", "metrics.jsonl", "report.html", "weights.safetensors"];
    expect((await readdir(at("run"))).sort()).toEqual(files);
  });

  it("says what is missing where nothing was tested, and nothing has been logged", async () => {
    const model = new Classifier(net(), config, { workers: 0 });
    await writeFile(at("metrics.jsonl"), `{"step":1`);
    const bare = await drawReport({ model, metrics: await readMetrics(folder), tested: undefined });
    expect(unbalancedTags(bare)).toEqual([]);
    expect(bare).toContain("No step was logged.");
    expect(bare).toContain("The run was not tested");
    expect(bare).not.toMatch(/NaN|undefined|<h2>Confusion/);
    await model.close();
  });

  it("says that a run has not come to its end", async () => {
    const model = new Classifier(net(), { ...config, epochs: 25 }, { workers: 0 });
    const metrics = await readMetrics(at("run"));
    expect(await drawReport({ model, metrics, tested: undefined })).toContain(
      '<p class="note">Not finished: 2 of 25 epochs are done.</p>',
    );
    expect(page).not.toContain("Not finished");
    await model.close();
  });

  it("says how many of the test images it looked at", async () => {
    const model = new Classifier(net(), config, { workers: 0 });
    const evaluation = await evaluate(net(), loader());
    const metrics = await readMetrics(at("run"));
    const tested = { evaluation, dataset, available: 10_000 };
    expect(await drawReport({ model, metrics, tested })).toContain(
      "on 40 test images (of 10,000: to look at all of them takes longer; fovea inspect does), from",
    );
    await model.close();
  });
});

describe("configurationOf", () => {
  const rows = (changes: Partial<RunConfig> = {}) =>
    Object.fromEntries(configurationOf({ ...config, ...changes }).flatMap(({ rows }) => rows));

  it("is in words", () => {
    expect(rows()).toMatchObject({
      "data set": "fashion-mnist",
      size: "1×28×28",
      "training images": "60,000, in a new order each epoch",
      "while training": "as they are",
      "while measuring": "Resize 28×28",
      input: "1×28×28",
      optimizer: "sgd, Nesterov's momentum 0.5",
      schedule: "times 0.1 every 1 epoch, after a warm-up of 1 epoch",
      started: "2025-01-02 03:04:05 UTC",
      versions: "fovea 0.1.0",
    });
    const transforms = [
      { name: "RandomCrop", size: [28, 28], padding: 2 },
      { name: "Normalize", mean: [0.5], std: [0.25] },
    ];
    expect(rows({ transforms: { train: transforms, eval: [{ blur: 1 }] } })).toMatchObject({
      "while training": "RandomCrop 28×28 (padding 2), Normalize (mean 0.5, std 0.25)",
      "while measuring": '[{"blur":1}]',
    });
  });

  it("leaves out what the config of a program does not say, or says otherwise", () => {
    expect(Object.keys(rows({ optimizer: 7, schedule: undefined, startedAt: null }))).toEqual(
      expect.not.arrayContaining(["optimizer", "schedule", "started", "early stop"]),
    );
  });
});

describe("small words", () => {
  test.each([
    [0.04, "0.0 s"],
    [9.96, "10 s"],
    [59.7, "1 min 0 s"],
    [75.2, "1 min 15 s"],
    [3600, "1 h 0 min"],
    [7384, "2 h 3 min"],
  ])("%d seconds are %s", (seconds, text) => expect(duration(seconds)).toBe(text));

  test.each([
    ["fashion-mnist", "Fashion-MNIST"],
    ["folder:/home/me/pets/", "pets"],
    ["folder:C:\\me\\pets", "pets"],
    ["mine", "mine"],
  ])("%s is %s", (data, title) => expect(dataTitle(data)).toBe(title));

  it("quotes what a shell would take apart", () => {
    expect(shellLine(["fovea", "folder:/a b/it's", "0.9"])).toBe(
      "fovea 'folder:/a b/it'\\''s' 0.9",
    );
  });

  it("escapes values and keeps what is HTML", () => {
    const item = html`<li>${'<"&>'}</li>`;
    expect(html`<ul>${[item, item]}${3}</ul>`.text).toBe(
      "<ul><li>&lt;&quot;&amp;&gt;</li><li>&lt;&quot;&amp;&gt;</li>3</ul>",
    );
  });
});
