import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { type Options, resolveSettings } from "./settings.js";

/** What commander gives where nothing is asked for. */
const nothing: Options = {
  data: "fashion-mnist",
  valFraction: 0,
  shuffle: true,
  augment: "none",
  normalize: "none",
  labelSmoothing: 0,
  schedule: "none",
  warmup: 0,
  onNan: "stop",
  seed: 0,
  conv: "auto",
  backend: "reference",
};
const settings = (options: Partial<Options>, model = "lenet") =>
  resolveSettings(model, { ...nothing, ...options });

describe("resolveSettings", () => {
  it("takes what is not given from the network's document", () => {
    expect(settings({})).toMatchObject({
      optimizer: "sgd",
      lr: 0.9,
      momentum: 0,
      weightDecay: 0,
      batchSize: 256,
      epochs: 10,
      init: "xavier",
      resize: 28,
    });
    expect(settings({ lr: 0.1 }, "torchvision/alexnet")).toMatchObject({
      optimizer: "sgd",
      lr: 0.1,
      momentum: 0.9,
      weightDecay: 1e-4,
      resize: 224,
    });
  });

  it("takes PyTorch's learning rate and weight decay for another optimizer", () => {
    const other = { momentum: 0, weightDecay: 0 };
    expect(settings({ optimizer: "adam" }, "torchvision/alexnet")).toMatchObject({
      ...other,
      lr: 0.001,
    });
    expect(settings({ optimizer: "sgd" }, "nin")).toMatchObject({ ...other, lr: 0.01 });
    expect(settings({ optimizer: "adamw" }).weightDecay).toBe(0.01);
    expect(settings({ optimizer: "adamw", weightDecay: 0 }).weightDecay).toBe(0);
  });

  it("knows what a schedule needs, and nothing of the others", () => {
    const { stepSize, gamma, patience } = settings({ schedule: "step" });
    expect([stepSize, gamma, patience]).toEqual([4, 0.1, null]);
    const plateau = settings({ schedule: "plateau", gamma: 0.5 });
    expect([plateau.stepSize, plateau.gamma, plateau.patience]).toEqual([null, 0.5, 2]);
    const cosine = settings({ schedule: "cosine" });
    expect([cosine.stepSize, cosine.gamma, cosine.patience]).toEqual([null, null, null]);
  });

  it("says folders in full, so that they mean the same from everywhere", () => {
    expect(settings({ data: "folder:pets" }).data).toBe(`folder:${process.cwd()}/pets`);
    expect(settings({ dataDir: "mnist" }).dataDir).toBe(`${process.cwd()}/mnist`);
  });

  const judged = "--early-stop needs images to judge by that are not the test images";
  it.each<[Partial<Options>, string]>([
    [
      { optimizer: "adam", momentum: 0.9 },
      "--momentum is for --optimizer sgd; the optimizer here is adam",
    ],
    [
      { optimizer: "adamw", nesterov: true },
      "--nesterov is for --optimizer sgd; the optimizer here is adamw",
    ],
    [{ nesterov: true }, "--nesterov needs a --momentum, such as 0.9"],
    [{ stepSize: 2 }, "--step-size is for --schedule step; the schedule here is none"],
    [
      { schedule: "cosine", gamma: 0.5 },
      "--gamma is for --schedule step or plateau; the schedule here is cosine",
    ],
    [
      { schedule: "step", patience: 2 },
      "--patience is for --schedule plateau; the schedule here is step",
    ],
    [{ warmup: 11 }, "--warmup 11: there are only 10 epochs to train"],
    [{ earlyStop: 2 }, `${judged}: give --val-fraction, such as 0.1`],
    [{ clipGradNorm: 0 }, "--clip-grad-norm must be more than 0"],
    [{ threads: 2 }, "--threads is for --backend native: the reference computes on one"],
    [
      { partial: true },
      "--partial is for --init with a file or a run: it loads what fits of its weights",
    ],
    [
      { partial: true, init: "xavier" },
      "--partial is for --init with a file or a run: it loads what fits of its weights",
    ],
    [
      { data: "folder:pets", dataDir: "pets" },
      "--data-dir is for published data sets; folder:PATH names its own folder",
    ],
  ])("refuses %j", (options, message) => {
    expect(() => settings(options)).toThrow(new UsageError(message));
  });
});
