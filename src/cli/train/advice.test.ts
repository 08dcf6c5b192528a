import { describe, expect, it } from "vitest";
import type { EpochRecord, History } from "../../train/history.js";
import { batchInWords, learntInWords, stuckInWords, validationInWords } from "./advice.js";
import type { Settings } from "./settings.js";

const settings = (changes: Partial<Settings> = {}) =>
  ({
    model: "lenet",
    optimizer: "sgd",
    lr: 0.9,
    momentum: 0,
    batchSize: 256,
    init: "xavier",
    maxSteps: null,
    earlyStop: null,
    ...changes,
  }) as Settings;

/** A training of so many steps, whose loss goes from one value straight to the other. */
function history(steps: number, figures: Partial<EpochRecord> = {}, losses = [2.4, 2.3]): History {
  const at = (i: number) => losses[0]! + ((losses[1]! - losses[0]!) * i) / Math.max(1, steps - 1);
  const epoch = { epoch: 1, trainAcc: 0.1, valAcc: null, testAcc: 0.1, ...figures };
  return {
    steps: Array.from({ length: steps }, (_, i) => ({
      step: i + 1,
      epoch: 1,
      loss: at(i),
      lr: 0.9,
    })),
    epochs: [epoch as EpochRecord],
    curve: [],
    best: null,
    stoppedEarly: false,
    examplesPerSecond: 1,
  };
}
const ten = (count: number) => Array.from({ length: count }, (_, i) => i % 10);
const labels = { train: ten(5000), test: ten(1000) };
const said = (past: History, changes?: Partial<Settings>, given: object = labels) =>
  learntInWords(past, settings(changes), given);

describe("learntInWords", () => {
  it("says nothing of a training that has learnt something", () => {
    expect(said(history(40, { testAcc: 0.3 }))).toEqual([]);
  });

  it("says that a training has learnt nothing, and that it was short", () => {
    expect(said(history(40))).toEqual([
      "test acc 0.100 is no better than always answering the commonest class, " +
        "which gets 0.100 of the 1,000 test images; to try:",
      "  only 40 steps were made: more --epochs",
    ]);
    expect(said(history(40, { testAcc: 0.11 }))[0]).toMatch(
      /^test acc 0\.110 is not clearly better/,
    );
  });

  it.each([
    ["steps limited", history(3), { maxSteps: 3 }, ["only 3 steps were made: more --max-steps"]],
    ["one step", history(1), { maxSteps: 1 }, ["only 1 step was made: more --max-steps"]],
    [
      "ended early",
      { ...history(99), stoppedEarly: true },
      { earlyStop: 2 },
      ["only 99 steps were made: more epochs, with a larger --early-stop than 2"],
    ],
    [
      "a rate of one's own, and a rising loss",
      history(600, {}, [2, 9]),
      { lr: 5 },
      [
        "the loss ended above its start: a smaller --lr than 5",
        "the network's source trains it with sgd, lr 0.9",
      ],
    ],
    [
      "another optimizer",
      history(600),
      { optimizer: "adam" as const },
      ["the network's source trains it with sgd, lr 0.9"],
    ],
    [
      "small batches",
      history(600),
      { batchSize: 64 },
      ["lr 0.9 is for batches of 256: a smaller --lr"],
    ],
    [
      "PyTorch's weights",
      history(600),
      { init: "default" },
      ["other weights to start from: --init xavier, or another --seed"],
    ],
    ["no rate", history(600), { lr: 0 }, ["a learning rate of 0 changes nothing: a higher --lr"]],
    ["nothing in particular", history(600), {}, ["another --lr, or more --epochs"]],
    [
      "training images by heart",
      history(40, { trainAcc: 0.98 }),
      {},
      ["it does know its training images (train acc 0.980): more of them, or --augment light"],
    ],
  ])("chooses what to try: %s", (_, past, changes, tried) => {
    expect(said(past, changes).slice(1)).toEqual(tried.map((line) => `  ${line}`));
  });

  it("tells of a batch that is large for the images", () => {
    const small = { train: ten(160), test: ten(1000) };
    expect(said(history(10), {}, small).slice(1)).toEqual([
      "  batch 256 of 160 training images: one step an epoch; a smaller --batch-size",
      "  only 10 steps were made: more --epochs",
    ]);
    expect(said(history(600), { batchSize: 60 }, small)[1]).toBe(
      "  batch 60 of 160 training images: 3 steps an epoch; a smaller --batch-size",
    );
  });
});

describe("stuckInWords", () => {
  const after = (trainAcc: number, epoch = 1) => ({ epoch, trainAcc, valAcc: null, testAcc: 0.5 });
  const asked = { epochs: 5, batchSize: 10, init: "default" };

  it("says after many steps that nothing is learnt, and where to begin anew", () => {
    expect(stuckInWords(after(0.097), asked, labels)).toEqual([
      "nothing is learnt so far: train acc 0.097, where always answering the commonest class gets 0.100; " +
        "from some starting weights nothing ever is; to try: another --seed, or --init xavier",
    ]);
    expect(stuckInWords(after(0.097), { ...asked, init: "xavier" }, labels)[0]).toMatch(
      /; to try: another --seed$/,
    );
  });

  it.each([
    ["it has learnt something", after(0.15), asked],
    ["there were few steps", after(0.1), { ...asked, batchSize: 11 }],
    ["it was the only epoch", after(0.1), { ...asked, epochs: 1 }],
    ["it was a later epoch", after(0.1, 2), asked],
  ])("says nothing where %s", (_, epoch, settings) => {
    expect(stuckInWords(epoch, settings, labels)).toEqual([]);
  });
});

describe("batchInWords", () => {
  it("warns of one step an epoch, and of a rate that is for large batches", () => {
    expect(batchInWords(settings(), 160)).toEqual([
      "batch 256, as in the network's source, takes all 160 training images at once: one step an epoch; " +
        "a smaller --batch-size, such as 16, makes more steps; " +
        "lr 0.9 is for batches of 256, so try a smaller --lr as well",
    ]);
    expect(batchInWords(settings({ batchSize: 20, lr: 0.1 }), 16)).toEqual([
      "batch 20 takes all 16 training images at once: one step an epoch; " +
        "a smaller --batch-size, such as 2, makes more steps",
    ]);
  });

  it("has no objection to more steps than one", () => {
    expect(batchInWords(settings(), 257)).toEqual([]);
    expect(batchInWords(settings(), 1)).toEqual([]); // there is no smaller batch
  });
});

describe("validationInWords", () => {
  it("warns of few images to choose by", () => {
    expect(validationInWords(0)).toEqual([]);
    expect(validationInWords(100)).toEqual([]);
    expect(validationInWords(4)).toEqual([
      "there are only 4 validation images to choose the best epoch by: each counts for 0.250 of val acc",
    ]);
    expect(validationInWords(1)[0]).toMatch(/^there is only 1 validation image to /);
  });
});
