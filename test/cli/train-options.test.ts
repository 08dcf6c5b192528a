// What the options of `fovea train` do to a training: validation, schedules, starting weights, images.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/formats/index.js";
import type { TypedArray } from "../../src/graph/dtype.js";
import { readRunConfig } from "../../src/train/config.js";
import { encodePth } from "../support/pth.js";
import { fovea, root, temporaryFolder } from "./run.js";

const at = temporaryFolder();
const subset = join(root, "data", "fashion-mnist-subset");
const lenet = ["train", "lenet", "--data-dir", subset, "--batch-size", "64"];
const short = [...lenet, "--limit-train", "320", "--limit-test", "50"];

type Line = Readonly<Record<string, number | null>>;
const metrics = async (run: string) => {
  const text = await readFile(join(at(run), "metrics.jsonl"), "utf8");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const steps = lines.filter((line) => "step" in line);
  return { steps, epochs: lines.filter((line) => !("step" in line)) };
};
const tensors = (run: string, file = "weights.safetensors") => readSafetensors(join(at(run), file));
const bytes = async (run: string, name: string, file?: string) =>
  Buffer.from((await tensors(run, file)).get(name)!.data.buffer);

/** As a file of PyTorch's takes them. A LeNet has no counters. */
const asWritable = (entries: Awaited<ReturnType<typeof tensors>>) =>
  [...entries].map(
    ([name, { shape, data }]) => [name, { shape, data: data as TypedArray }] as const,
  );

/** Trains into a run of that name; fails with what the command said. */
async function trained(run: string, ...args: readonly string[]) {
  const outcome = await fovea([...args, "--out", at(run)]);
  expect(outcome.err).toMatch(/^(?!.*error)/s);
  expect(outcome.code).toBe(0);
  return outcome;
}

describe("fovea train --val-fraction", () => {
  it("keeps the best epoch's weights and the last, and says so", async () => {
    const adam = ["--optimizer", "adam", "--lr", "0.002", "--init", "default"];
    const args = [...short, ...adam, "--epochs", "4", "--val-fraction", "0.2"];
    const { out, err } = await trained("val", ...args);
    expect(out).toMatch(
      /^epoch 1, loss \d\.\d{4}, train acc [01]\.\d{3}, val acc [01]\.\d{3}, test acc [01]\.\d{3}, time/,
    );
    const { epochs } = await metrics("val");
    const best = epochs.reduce((a, b) =>
      b.valAcc! > a.valAcc! || (b.valAcc === a.valAcc && b.valLoss! < a.valLoss!) ? b : a,
    );
    const equal = epochs.filter(({ valAcc }) => valAcc === best.valAcc).length;
    const tied =
      equal === 1
        ? ""
        : ` (${equal} epochs have it; of these the least val loss, ${best.valLoss!.toFixed(3)})`;
    expect(err).toMatch(/there are only \d+ validation images to choose the best epoch by: each/);
    expect(err).toContain(
      `best epoch: ${best.epoch}, val acc ${best.valAcc!.toFixed(3)}${tied}, ` +
        `test acc ${best.testAcc!.toFixed(3)}; ${at("val")}/weights.safetensors has its weights\n`,
    );
    // stratified, so each of the ten classes may round by half an image
    const config = await readRunConfig(at("val"));
    expect(Number(config.trainExamples) + Number(config.valExamples)).toBe(320);
    expect(Math.abs(Number(config.valExamples) - 64)).toBeLessThanOrEqual(5);
    expect([...(await tensors("val", "last.safetensors")).keys()]).toEqual([
      ...(await tensors("val")).keys(),
    ]);

    // Trained as many epochs as the best one has, the last weights are these.
    const again = [...args, "--epochs", String(best.epoch)];
    await trained("until-best", ...again);
    expect(
      (await bytes("until-best", "0.weight", "last.safetensors")).equals(
        await bytes("val", "0.weight"),
      ),
    ).toBe(true);
  });

  it("leaves the best weights so far when interrupted", async () => {
    const args = [...short, "--epochs", "1000", "--val-fraction", "0.2", "--out", at("stopped")];
    const { code, err } = await fovea(args, async (pid) => {
      while (!existsSync(join(at("stopped"), "weights.safetensors"))) await setTimeout(20);
      process.kill(pid, "SIGINT");
    });
    expect(code).toBe(130);
    const file = join(at("stopped"), "weights.safetensors");
    expect(err.split("\n").slice(-3)).toEqual([
      expect.stringMatching(/^interrupted; fovea train --resume \S+ goes on after step \d+$/),
      `the weights of the best epoch so far are in ${file}; fovea inspect ${at("stopped")} shows them`,
      "",
    ]);
    expect((await tensors("stopped")).size).toBe(10);
  });

  it("ends early once nothing gets better", async () => {
    // A rate of 0: every epoch is as good as the first.
    const args = [...short, "--lr", "0", "--epochs", "50", "--val-fraction", "0.2"];
    const { out, err } = await trained("early", ...args, "--early-stop", "2");
    expect(out.match(/^epoch/gm)?.length).toBe(3);
    expect(err).toContain(
      "ended early: no better epoch on the validation images in 2 epochs\nbest epoch: 1, ",
    );
  });
});

describe("fovea train, the learning rate", () => {
  const rates = async (run: string, ...args: readonly string[]) => {
    await trained(run, ...short, "--limit-test", "0", "--lr", "0.4", ...args);
    return (await metrics(run)).steps.map(({ lr }) => Math.round(lr! * 1e6) / 1e6);
  };
  /** Of each epoch's first step; 5 steps each. */
  const firsts = (all: readonly number[]) => all.filter((_, i) => i % 5 === 0);

  it("follows a schedule, after a warm-up step by step", async () => {
    const step = ["--schedule", "step", "--step-size", "2", "--gamma", "0.5", "--epochs", "4"];
    expect(firsts(await rates("step", ...step))).toEqual([0.4, 0.4, 0.2, 0.2]);

    const cosine = ["--schedule", "cosine", "--warmup", "1", "--epochs", "3"];
    expect(await rates("cosine", ...cosine)).toEqual([
      ...[0.08, 0.16, 0.24, 0.32, 0.4],
      ...[0.4, 0.4, 0.4, 0.4, 0.4],
      ...[0.2, 0.2, 0.2, 0.2, 0.2],
    ]);

    // A rate that does nothing makes a plateau of the second epoch on.
    const plateau = ["--schedule", "plateau", "--patience", "0", "--epochs", "3"];
    const still = await rates("plateau", "--lr", "1e-5", ...plateau);
    expect(firsts(still)).toEqual([0.00001, 0.00001, 0.000001]);
  });

  it("comes from the optimizer where the network's document has another", async () => {
    const { err } = await trained("adam", ...short, "--optimizer", "adam", "--max-steps", "1");
    expect(err).toContain("\nadam, lr 0.001, batch 64, 10 epochs, xavier weights, seed 0\n");
    expect(await readRunConfig(at("adam"))).toMatchObject({ optimizer: "adam", momentum: 0 });
  });
});

describe("fovea train, starting weights", () => {
  it("loads what fits of a file with --partial, says what it left, and freezes by name", async () => {
    await trained("start", ...short, "--max-steps", "2");
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

describe("fovea train, images", () => {
  it("augments and normalizes as its config says, the same for any number of workers", async () => {
    const args = [...short, "--augment", "light", "--normalize", "dataset", "--max-steps", "6"];
    await trained("one", ...args, "--workers", "1");
    await trained("three", ...args, "--workers", "3");
    expect((await bytes("one", "0.weight")).equals(await bytes("three", "0.weight"))).toBe(true);

    const { transforms } = await readRunConfig(at("one"));
    const names = (list: readonly unknown[]) => list.map((t) => (t as { name: string }).name);
    expect(names(transforms.eval)).toEqual(["Resize", "CenterCrop", "Normalize"]);
    expect(names(transforms.train)).toEqual([
      "RandomCrop",
      "RandomHorizontalFlip",
      "Resize",
      "CenterCrop",
      "Normalize",
    ]);
    // Fashion-MNIST's, as they are commonly given: 0.2860 and 0.3530
    const { mean, std } = transforms.eval[2] as { mean: number[]; std: number[] };
    expect(mean[0]).toBeCloseTo(0.286, 1);
    expect(std[0]).toBeCloseTo(0.353, 1);

    await trained("plain", ...short, "--max-steps", "6");
    expect((await bytes("one", "0.weight")).equals(await bytes("plain", "0.weight"))).toBe(false);
  });

  it("says where more is asked for than there is", async () => {
    const args = [...lenet, "--limit-train", "7000", "--limit-test", "2000", "--max-steps", "1"];
    const { err } = await trained("all", ...args, "--threads", "64");
    expect(err).toContain("--limit-train 7000: there are 6,000 images; all of them are used\n");
    expect(err).toContain("--limit-test 2000: there are 1,000 images; all of them are used\n");
    expect(err).toMatch(
      /--threads 64: this machine has \d+ cores?; more threads than these slow it down\n/,
    );
  });
});

describe("fovea train that diverges", () => {
  it("ends at the step that shows it, says so, and writes no weights that are no numbers", async () => {
    const args = [...short, "--lr", "1e38", "--epochs", "50", "--out", at("diverged")];
    const { code, out, err } = await fovea(args);
    expect([code, out]).toEqual([1, ""]);
    const { steps } = await metrics("diverged");
    expect(steps.length).toBeLessThanOrEqual(5); // of the first epoch
    const first = steps.findIndex(({ loss }) => !Number.isFinite(loss ?? Number.NaN)) + 1;
    expect(first).toBe(steps.length);
    expect(first).toBeGreaterThan(1);
    expect(err.split("\n").at(-2)?.replace("Infinity", "NaN")).toBe(
      `error: training diverged: step ${first} cannot be taken: its loss is NaN; ` +
        "the first value that is not finite is the loss itself: the network's output is finite; " +
        "try a smaller --lr than 1e+38, --warmup 1 or --clip-grad-norm 1; no weights were written",
    );
    expect(existsSync(join(at("diverged"), "weights.safetensors"))).toBe(false);
  });

  it("sees what the last step of an epoch did by the measurement after it", async () => {
    const args = [...short, "--lr", "1e38", "--max-steps", "1"];
    const { code, err } = await fovea(args);
    expect(code).toBe(1);
    expect(err).toMatch(/\nerror: training diverged: the loss after epoch 1 is (NaN|Infinity); /);
  });
});
