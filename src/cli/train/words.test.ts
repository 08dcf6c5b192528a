import { describe, expect, it } from "vitest";
import type { EpochRecord, History } from "../../train/history.js";
import type { Progress } from "../../train/training.js";
import { type Options, resolveSettings, type Settings } from "./settings.js";
import {
  caption,
  divergenceInWords,
  failedInWords,
  interruptedInWords,
  keptInWords,
  nextInWords,
  otherMachineInWords,
  outcomeInWords,
  resumedInWords,
  settingsInWords,
  skippedInWords,
  stoppedInWords,
  threadsInWords,
} from "./words.js";

const epoch = (changes: Partial<EpochRecord> = {}): EpochRecord => ({
  epoch: 1,
  trainLoss: 1,
  trainAcc: 0.5,
  valLoss: null,
  valAcc: null,
  testLoss: 1,
  testAcc: 0.5,
  lr: 0.1,
  examplesPerSecond: 10,
  seconds: 100,
  waited: 0.04,
  ...changes,
});
const history = (changes: Partial<History> = {}): History => ({
  steps: [1, 2].map((step) => ({ step, epoch: 1, loss: 1, lr: 0.1 })),
  epochs: [epoch()],
  curve: [],
  best: null,
  stoppedEarly: false,
  examplesPerSecond: 10,
  ...changes,
});
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
const settings = {
  lr: 0.1,
  earlyStop: 3,
  data: "folder:/home/me/pets",
  model: "nin",
  out: "runs/pets",
} as Settings;

describe("outcomeInWords", () => {
  it("has nothing to add to an ordinary training", () => {
    expect(outcomeInWords(history(), settings)).toEqual([]);
  });

  it("tells of the best epoch, and why there were no more", () => {
    const best = epoch({ epoch: 4, valAcc: 0.75, testAcc: 0.7 });
    const lines = outcomeInWords(history({ best, stoppedEarly: true }), settings);
    expect(lines).toEqual([
      "ended early: no better epoch on the validation images in 3 epochs",
      "best epoch: 4, val acc 0.750, test acc 0.700; runs/pets/weights.safetensors has its weights",
    ]);
    const soon = outcomeInWords(history({ stoppedEarly: true }), { ...settings, earlyStop: 1 });
    expect(soon).toEqual(["ended early: no better epoch on the validation images in 1 epoch"]);
    const untested = history({ best: { ...best, testAcc: null } });
    expect(outcomeInWords(untested, { ...settings, out: null })).toEqual([
      "best epoch: 4, val acc 0.750",
    ]);
  });

  it("says what decided between epochs that are as accurate", () => {
    const best = epoch({ epoch: 2, valAcc: 0.5, valLoss: 0.69, testAcc: null });
    const others = [epoch({ valAcc: 0.5, valLoss: 0.7 }), epoch({ valAcc: 0.4, valLoss: 0.1 })];
    expect(
      outcomeInWords(history({ best, epochs: [others[0]!, best, others[1]!] }), {
        ...settings,
        out: null,
      }),
    ).toEqual([
      "best epoch: 2, val acc 0.500 (2 epochs have it; of these the least val loss, 0.690)",
    ]);
  });

  it("tells of waiting only where it was long, and a good part of the time", () => {
    const waiting = (seconds: number, waited: number) =>
      outcomeInWords(history({ epochs: [epoch({ seconds, waited })] }), settings);
    expect(waiting(20, 0.9)).toEqual([]);
    expect(waiting(10_000, 0.04)).toEqual([]);
    expect(waiting(1000, 0.25)).toEqual([
      "25% of the time went by in waiting for images; more --workers may help",
    ]);
  });
});

describe("a training that ends before its time", () => {
  it("says which loss was none, and what may help", () => {
    expect(divergenceInWords("the loss after epoch 2 is NaN", settings)).toBe(
      "training diverged: the loss after epoch 2 is NaN; try a smaller --lr than 0.1, --warmup 1 or --clip-grad-norm 1",
    );
  });

  it.each([
    [undefined, "no weights were written"],
    ["best", "the weights of the best epoch so far are in runs/a/weights.safetensors"],
    ["last", "the weights of the last whole epoch are in runs/a/weights.safetensors"],
  ] as const)("says which weights there are: %s", (kept, words) => {
    expect(keptInWords({ path: "runs/a", kept })).toBe(words);
  });

  it("has none without a folder", () => {
    expect(keptInWords(undefined)).toBe("no weights were written");
    expect(interruptedInWords(undefined)).toBe("interrupted; no weights were written");
  });

  it("says where to go from an interrupt", () => {
    const run = { path: "my runs/a", kept: undefined, checkpointed: 120 };
    expect(interruptedInWords({ ...run, checkpointed: undefined })).toBe(
      "interrupted; no weights were written",
    );
    const resume = "interrupted; fovea train --resume 'my runs/a' goes on after step 120";
    expect(interruptedInWords(run)).toBe(resume);
    expect(interruptedInWords({ ...run, kept: "last" })).toBe(
      `${resume}\nthe weights of the last whole epoch are in my runs/a/weights.safetensors; ` +
        "fovea inspect 'my runs/a' shows them",
    );
  });

  it("says where to go from a failure", () => {
    const run = { path: "my runs/a", kept: undefined, checkpointed: 120 };
    expect(failedInWords("the disk is full", run)).toBe(
      "the disk is full; fovea train --resume 'my runs/a' goes on after step 120",
    );
    const none = { ...run, checkpointed: undefined };
    expect(failedInWords("the disk is full", none)).toBe("the disk is full");
    expect(failedInWords("the disk is full", undefined)).toBe("the disk is full");
  });

  it("says how to go on without a step that cannot be taken", () => {
    const run = { path: "runs/a", kept: undefined, checkpointed: 120 };
    expect(stoppedInWords(run, settings)).toBe(
      "no weights were written; fovea train --resume runs/a --on-nan skip goes on after step 120 " +
        "and leaves such steps out",
    );
    expect(stoppedInWords(run, { ...settings, onNan: "skip" })).toBe("no weights were written");
    expect(stoppedInWords(undefined, settings)).toBe("no weights were written");
  });

  it("says where a run goes on, or that it has nothing left to do", () => {
    const progress = (steps: number, epochs: number, batch = 0, since = 0) =>
      ({
        steps: Array(steps).fill({}),
        epochs: Array(epochs).fill({}),
        batch,
        best: { record: null, since },
      }) as unknown as Progress;
    const ten = { ...settings, epochs: 10 };
    expect(resumedInWords(progress(25, 2, 5), ten)).toBe(
      "going on after step 25, in epoch 3 of 10",
    );
    expect(resumedInWords(progress(100, 10), ten)).toBe(
      "all 10 epochs of this run are done; give --epochs for more",
    );
    const limited = { ...ten, maxSteps: 12 };
    for (const done of [progress(12, 2), progress(12, 1, 2)]) {
      expect(resumedInWords(done, limited)).toBe(
        "all 12 steps of this run are done; give --max-steps for more",
      );
    }
    expect(resumedInWords(progress(11, 1, 1), limited)).toMatch(/^going on after step 11,/);
    const early = { ...ten, earlyStop: 2 };
    expect(resumedInWords(progress(40, 4, 0, 2), early)).toBe(
      "this run has ended early, after epoch 4: no later one was better",
    );
    expect(resumedInWords(progress(40, 4, 0, 1), early)).toMatch(/^going on after step 40,/);
  });

  it("says that it goes on with other kernels, and nothing of other threads", () => {
    const machine = (computedBy: string, fovea = "1.2.3") => ({ computedBy, versions: { fovea } });
    const begun = machine("native avx2, 2 threads");
    expect(otherMachineInWords(begun, machine("native avx2, 16 threads"))).toEqual([]);
    expect(otherMachineInWords(begun, machine("native avx512, 2 threads"))).toEqual([
      "this run was begun with native avx2 of fovea 1.2.3, and goes on with native avx512 of fovea " +
        "1.2.3: the last digits of its results may be others than without the change",
    ]);
    expect(otherMachineInWords({}, begun)[0]).toMatch(/^this run was begun with undefined of/);
    expect(otherMachineInWords(begun, machine("native avx2", "2.0.0")).length).toBe(1);
  });

  it("counts the steps that were left out", () => {
    expect(skippedInWords(0)).toEqual([]);
    expect(skippedInWords(1)).toEqual(["1 step was left out: loss or gradients were not finite"]);
    expect(skippedInWords(2)).toEqual(["2 steps were left out: loss or gradients were not finite"]);
  });
});

describe("nextInWords", () => {
  it("gives a command that a shell takes", () => {
    expect(nextInWords("my runs/a")).toBe(
      "next: open my runs/a/report.html, or measure more with fovea eval 'my runs/a'",
    );
  });
});

describe("settingsInWords", () => {
  const plain = resolveSettings("lenet", nothing);
  it("names what the network's document decides", () => {
    expect(settingsInWords(plain)).toBe(
      "sgd, lr 0.9, batch 256, 10 epochs, xavier weights, seed 0",
    );
  });

  it("names all that was asked for", () => {
    const asked = {
      init: "w.safetensors",
      epochs: 1,
      augment: "light",
      normalize: "dataset",
      dropout: 0,
      labelSmoothing: 0.1,
      clipGradNorm: 1,
      schedule: "cosine",
      warmup: 1,
    } as const;
    expect(settingsInWords(resolveSettings("torchvision/alexnet", { ...nothing, ...asked }))).toBe(
      "sgd, lr 0.01, momentum 0.9, weight decay 0.0001, batch 32, 1 epoch, weights of w.safetensors, " +
        "light augmentation, dataset normalization, dropout 0, label smoothing 0.1, " +
        "gradients clipped at 1, cosine schedule, warm-up of 1, seed 0",
    );
  });
});

describe("threadsInWords", () => {
  it("says where there are more threads than cores", () => {
    const asked = (threads: number) =>
      threadsInWords({ ...settings, threads, backend: "native" }, 2);
    expect(asked(2)).toEqual([]);
    expect(asked(3)).toEqual([
      "--threads 3: this machine has 2 cores; more threads than these slow it down",
    ]);
  });
});

describe("caption", () => {
  it("names a folder of own pictures by its last part", () => {
    const facts = { trainExamples: 1200 } as Parameters<typeof caption>[1];
    const { title, subtitle } = caption(
      { ...settings, batchSize: 8, momentum: 0 },
      facts,
      history(),
    );
    expect(title).toBe("nin on pets");
    expect(subtitle).toBe("1,200 images, batch 8, lr 0.1, 10.0 examples/sec on cpu");
  });
});
