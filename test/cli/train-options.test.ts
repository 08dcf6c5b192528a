// What the options of `fovea train` do to a training: validation, schedules, images. Starting weights are in
// starting-weights.test.ts.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readRunConfig } from "../../src/train/config.js";
import { fovea } from "./run.js";
import { lenet, short, trainings } from "./trainings.js";

const { at, bytes, metrics, tensors, trained } = trainings();

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
