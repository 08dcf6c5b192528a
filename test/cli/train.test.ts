import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/formats/index.js";
import { readRunConfig } from "../../src/train/config.js";
import { fovea, main, root, run, temporaryFolder } from "./run.js";

const at = temporaryFolder();
const subset = join(root, "data", "fashion-mnist-subset");
const lenet = ["train", "lenet", "--data-dir", subset, "--batch-size", "64"];
const short = [...lenet, "--limit-train", "160", "--limit-test", "50", "--epochs", "2"];

const lines = async (folder: string) =>
  (await readFile(join(folder, "metrics.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const losses = async (folder: string) =>
  (await lines(folder)).filter((line) => "step" in line).map((line) => line.loss as number);
const weights = (folder: string) => readFile(join(folder, "weights.safetensors"));
/** Its files; the name of TensorBoard's has the time in it, and checkpoints take turns with theirs. */
const listed = async (folder: string) => {
  const kinds = [
    [/^events\.out\.tfevents\..*/, "events"],
    [/^checkpoint-[12]\.safetensors$/, "checkpoint"],
  ] as const;
  const names = (await readdir(folder)).map((name) =>
    kinds.reduce((short, [pattern, kind]) => short.replace(pattern, kind), name),
  );
  return [...new Set(names)].sort();
};

describe("fovea train", () => {
  it("trains, writes a run, and prints the documents' lines", async () => {
    const out = at("run");
    const first = await fovea([...short, "--out", out]);
    expect(first.code).toBe(0);
    const stdout = first.out.trimEnd().split("\n");
    expect(stdout.length).toBe(4);
    expect(stdout[0]).toMatch(
      /^epoch 1, loss \d\.\d{4}, train acc [01]\.\d{3}, test acc [01]\.\d{3}, time \d+\.\d sec$/,
    );
    expect(stdout[2]).toMatch(/^loss \d\.\d{3}, train acc [01]\.\d{3}, test acc [01]\.\d{3}$/);
    expect(stdout[3]).toMatch(/^\d+\.\d examples\/sec on cpu$/);

    const records = await lines(out);
    expect(records.map((r) => r.step ?? "epoch")).toEqual([1, 2, 3, "epoch", 4, 5, 6, "epoch"]);
    expect(Object.keys(records[0])).toEqual(["step", "epoch", "loss", "lr"]);
    expect(records[7]).toMatchObject({ epoch: 2, valLoss: null, valAcc: null, lr: 0.9 });
    for (const key of ["trainAcc", "testLoss", "testAcc", "examplesPerSecond", "seconds"]) {
      expect(records[7][key]).toBeGreaterThan(0);
    }
    expect(records[7].waited).toBeGreaterThanOrEqual(0);
    expect(records[7].waited).toBeLessThanOrEqual(1);
    const mean = (64 * records[4].loss + 64 * records[5].loss + 32 * records[6].loss) / 160;
    expect(records[7].trainLoss).toBeCloseTo(mean, 10);

    const config = await readRunConfig(out);
    expect(config).toMatchObject({
      model: "lenet",
      epochs: 2,
      batchSize: 64,
      lr: 0.9,
      optimizer: "sgd",
      init: "xavier",
      seed: 0,
      shuffle: true,
      trainExamples: 160,
      testExamples: 50,
      versions: { node: process.versions.node },
      network: { inChannels: 1, numClasses: 10, inputSize: [28, 28], dropout: null },
    });
    expect(config.classNames).toHaveLength(10);
    const whole = [
      { name: "Resize", size: 28 },
      { name: "CenterCrop", size: [28, 28] },
    ];
    expect(config.transforms).toEqual({ train: whole, eval: whole });
    const values = await readSafetensors(join(out, "weights.safetensors"));
    expect([...values.keys()].sort()).toEqual(
      [0, 3, 7, 9, 11].flatMap((i) => [`${i}.bias`, `${i}.weight`]).sort(),
    );
    expect(values.get("0.weight")!.shape).toEqual([6, 1, 5, 5]);
    expect(await readFile(join(out, "curves.svg"), "utf8")).toContain("lenet on Fashion-MNIST");
    expect(await listed(out)).toEqual([
      "checkpoint",
      "config.json",
      "curves.svg",
      "events",
      "images.jsonl",
      "metrics.jsonl",
      "report.html",
      "weights.safetensors",
    ]);

    // few steps at so high a rate
    expect(first.err).toMatch(
      /\ntest acc 0\.\d{3} is (no|not clearly) better than always answering the commonest class, which gets 0\.\d{3} of the 50 test images; to try:\n {2}batch 64 of 160 training images: 3 steps an epoch; a smaller --batch-size\n/,
    );

    const again = await fovea([...short, "--out", out]);
    expect(again).toEqual({
      code: 1,
      out: "",
      err: `error: ${out}: holds a run already (config.json); choose another folder, replace it with --force, go on with it by --resume ${out}, or go on from its weights with --init ${out} and another --out\n`,
    });
    expect(await lines(out)).toEqual(records);
  });

  it("writes the same weights for the same seed, whatever the number of threads", async () => {
    const one = [...short, "--threads", "1", "--seed", "7", "--out", at("one")];
    const two = [...short, "--threads", "2", "--seed", "7", "--out", at("two")];
    const other = [...short, "--seed", "8", "--out", at("other")];
    for (const args of [one, two, other]) expect((await fovea(args)).code).toBe(0);
    expect((await weights(at("one"))).equals(await weights(at("two")))).toBe(true);
    expect((await weights(at("one"))).equals(await weights(at("other")))).toBe(false);
  });

  it("starts from a file, takes images in order, and ends after --max-steps", async () => {
    // a small batch: the reference takes its time
    const few = ["--no-shuffle", "--limit-test", "0", "--batch-size", "8", "--max-steps", "3"];
    const args = [...lenet, ...few, "--lr", "0.5"];
    const first = await fovea([...args, "--out", at("first")]);
    expect(first.out).toMatch(/^epoch 1, loss .*\nloss \d\.\d{3}, train acc [01]\.\d{3}\n/);
    const init = join(at("first"), "weights.safetensors");
    const next = [...args, "--dropout", "0"];
    const ofRun = await fovea([...next, "--init", at("first"), "--out", at("native")]);
    expect(ofRun.err).toContain(`weights of ${at("first")}, `);
    next.push("--init", init);
    await fovea([...next, "--backend", "reference", "--out", at("reference")]);
    const [native, reference] = [await losses(at("native")), await losses(at("reference"))];
    expect(native.length).toBe(3);
    for (const [i, loss] of native.entries()) expect(loss).toBeCloseTo(reference[i]!, 4);
    expect((await lines(at("native"))).at(-1)).toMatchObject({ testLoss: null, testAcc: null });
  });

  it("ends when interrupted, keeping what was logged", async () => {
    const out = at("interrupted");
    const args = [...lenet, "--limit-train", "640", "--epochs", "1000", "--out", out];
    // it writes to stdout when an epoch has ended
    const { code, err } = await fovea(args, async (pid) => {
      while (!existsSync(join(out, "weights.safetensors"))) await setTimeout(5);
      process.kill(pid, "SIGINT");
    });
    expect(code).toBe(130);
    const { length } = await losses(out);
    expect(err.split("\n").slice(-3)).toEqual([
      `interrupted; fovea train --resume ${out} goes on after step ${length}`,
      `the weights of the last whole epoch are in ${join(out, "weights.safetensors")}; fovea inspect ${out} shows them`,
      "",
    ]);
    expect((await lines(out)).length).toBeGreaterThan(10);
    expect(await listed(out)).toEqual([
      "checkpoint",
      "config.json",
      "events",
      "images.jsonl",
      "metrics.jsonl",
      "weights.safetensors",
    ]);
    expect((await readSafetensors(join(out, "weights.safetensors"))).size).toBe(10);
  });

  it("says that it is interrupted also before the first step", async () => {
    const out = at("early");
    const stop = async (pid: number) => {
      while (!existsSync(out)) await setTimeout(1);
      process.kill(pid, "SIGINT");
    };
    // the line of the shell, which then becomes the command, tells its id at once
    const shell = ["-c", 'echo; exec "$@"', "bash", process.execPath, main];
    const args = [...shell, ...lenet, "--epochs", "1000"];
    const { code, err } = await run("bash", [...args, "--out", out], root, stop);
    expect(code).toBe(130);
    expect(err).toMatch(/(^|\n)interrupted; [^\n]*\n(the weights [^\n]*\n)?$/);
  });

  it("goes on when nobody reads any more what it prints", async () => {
    const pipe = ["-c", 'set -o pipefail; "$@" 2>&1 | head -n 1', "bash", process.execPath, main];
    const { code, out } = await run("bash", [...pipe, ...short, "--out", at("unread")]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^lenet: [^\n]*\n$/)]);
    expect(await listed(at("unread"))).toContain("report.html");
  });

  it("leaves whole lines where the system takes no more bytes", async () => {
    const out = at("full");
    // A limit on the size of files stands in for a full disk: 40 blocks of 1024 bytes.
    const limited = ["-c", 'ulimit -f 40 && exec "$@"', "bash", process.execPath, main];
    const args = [...lenet, "--batch-size", "4", "--epochs", "2", "--out", out];
    const { code, err } = await run("bash", [...limited, ...args]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /\nerror: .*(metrics\.jsonl|events.*\.fovea): cannot be written: the file would be larger than .* \(EFBIG\)\n$/,
    );
    expect((await losses(out)).length).toBeGreaterThan(500);
    expect((await readFile(join(out, "metrics.jsonl"), "utf8")).endsWith("}\n")).toBe(true);
    expect(await listed(out)).toEqual(["config.json", "events", "images.jsonl", "metrics.jsonl"]);
  });

  it.each([
    [["train", "lenett"], 2, 'there is no model "lenett"; did you mean "lenet"?'],
    [
      ["train", "lenet", "--lr", "fast"],
      2,
      "option '--lr <x>' argument 'fast' is invalid. Expected a number, at least 0.",
    ],
    [
      ["train", "lenet", "--dropout", "1.5"],
      2,
      "option '--dropout <p>' argument '1.5' is invalid. Expected a number from 0 to 1.",
    ],
    [
      ["train", "lenet", "--epochs", "0"],
      2,
      "option '--epochs <n>' argument '0' is invalid. Expected a whole number, at least 1.",
    ],
    [["train", "lenet", "--epoch", "1"], 2, "unknown option '--epoch'\n(Did you mean --epochs?)"],
    [[...lenet, "--dropout", "0.5"], 2, "--dropout 0.5: lenet has no dropout layers"],
    [
      [...lenet, "--resize", "4"],
      2,
      "--resize 4: lenet: images of 4×4 are too small: its convolutions and pools leave nothing of them; resize them to 12×12 or more",
    ],
    [
      [...lenet, "--resize", "20000"],
      2,
      "--resize 20000, --batch-size 64: size must be of at most 134217728 pixels in all, got [20000, 20000]",
    ],
    [
      [...lenet, "--resize", "10000"],
      2,
      "--resize 10000, --batch-size 64: a batch of 64 pictures of 1×10000×10000 has 6400000000 bytes, more than 4294967296; take a batchSize of at most 42, or a smaller Resize",
    ],
    [
      ["train", "lenet", "--optimizer", "rmsprop"],
      2,
      "option '--optimizer <name>' argument 'rmsprop' is invalid. Allowed choices are sgd, adam, adamw.",
    ],
    [
      ["train", "lenet", "--data", "imagenet"],
      2,
      "option '--data <name>' argument 'imagenet' is invalid. Expected fashion-mnist, mnist, cifar10 or folder:PATH.",
    ],
    [
      ["train", "lenet", "--data", "src"],
      2,
      "option '--data <name>' argument 'src' is invalid. Expected fashion-mnist, mnist, cifar10 or folder:PATH. For your own images, say folder:src.",
    ],
    [
      [...lenet, "--schedule", "cosine", "--step-size", "2"],
      2,
      "--step-size is for --schedule step; the schedule here is cosine",
    ],
    [
      [...lenet, "--init", "uniform"],
      2,
      '--init must be default, xavier, the folder of a run, or a file of weights (.safetensors, .pth, .pt), got "uniform"',
    ],
    [
      [...lenet, "--init", "src"],
      2,
      "--init src: this folder is no run, as it has no weights.safetensors",
    ],
    [
      ["train", "lenet", "--data-dir", ""],
      2,
      "option '--data-dir <dir>' argument '' is invalid. Expected a path.",
    ],
    [[...lenet, "--epochs", "1", "--warmup", "5"], 2, "--warmup 5: there is only 1 epoch to train"],
    [
      [...lenet, "--freeze", "1"],
      2,
      '--freeze: no parameter is named "1", nor lies below it; there are 0, 3, 7, 9, 11, and what lies below them',
    ],
    [
      [...lenet, "--normalize", "imagenet"],
      2,
      "--normalize imagenet is for colour images; these are grey: take --normalize dataset",
    ],
  ])("says what is wrong with %j", async (args, code, message) => {
    const out = at("never");
    expect(await fovea([...args, "--out", out])).toEqual({
      code,
      out: "",
      err: `error: ${message}\n`,
    });
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  it("names the file that is missing or damaged", async () => {
    const empty = at("empty");
    await mkdir(empty);
    const missing = await fovea(["train", "lenet", "--data-dir", empty, "--out", at("never")]);
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/^error: .*empty.*there is no such file \(ENOENT\)\n$/);

    const damaged = at("damaged.safetensors");
    await writeFile(damaged, (await weights(at("run"))).subarray(0, 1000));
    const cut = await fovea([...short, "--init", damaged, "--out", at("never")]);
    expect(cut.code).toBe(1);
    expect(cut.err).toMatch(/^error: .*damaged\.safetensors: [^\n]*\n$/);

    await expect(readdir(at("never"))).rejects.toThrow("ENOENT");
  });
});
