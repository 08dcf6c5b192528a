// What a state of a training promises: whoever goes on from it comes to the same bits as if nothing had
// happened.

import { beforeAll, describe, expect, it, vi } from "vitest";
import { openReference } from "../backends/reference/index.js";
import "../engine.js";
import { DataLoader, type Dataset } from "../data/index.js";
import type { EpochOptions } from "../data/loader.js";
import { ArgumentError, DataError } from "../errors.js";
import { BatchNorm2d, Dropout, Flatten, Linear, ReLU, Sequential } from "../nn/index.js";
import { Adam, CosineAnnealingLR, ReduceLROnPlateau, SGD } from "../optim/index.js";
import { manualSeed, randomState, setBackend } from "../runtime.js";
import { fit } from "./fit.js";
import type { FitOptions } from "./fit-options.js";
import type { History } from "./history.js";
import type { TrainingState } from "./training.js";
import { readWeights } from "./values.js";

beforeAll(() => setBackend(openReference()));

/** Four pixels; the class says which half is bright, most of the time. */
function brightSide(count: number): Dataset {
  const labels = Uint8Array.from({ length: count }, (_, i) => (i >> 1) % 2);
  return {
    images: Uint8Array.from({ length: 4 * count }, (_, i) => {
      const bright = labels[i >> 2] === ((i >> 1) & 1) ? 180 : 60;
      return bright + ((i * 37) % 60) - ((i >> 2) % 7 === 0 ? 50 : 0);
    }),
    labels,
    count,
    height: 2,
    width: 2,
    channels: 1,
    classNames: ["top", "bottom"],
    source: "made here",
  };
}

type Recipe = (parameters: ConstructorParameters<typeof SGD>[0]) => Partial<FitOptions> & {
  optimizer: FitOptions["optimizer"];
};

const recipes: Record<string, Recipe> = {
  "plain SGD": (parameters) => ({ optimizer: new SGD(parameters, { lr: 0.3 }) }),
  "momentum, a warm-up and a cosine": (parameters) => {
    const optimizer = new SGD(parameters, { lr: 0.1, momentum: 0.9, weightDecay: 0.01 });
    return { optimizer, warmup: 1.5, schedule: new CosineAnnealingLR(optimizer, { tMax: 3 }) };
  },
  "Adam, a plateau and clipped gradients": (parameters) => {
    const optimizer = new Adam(parameters, { lr: 0.05 });
    const schedule = new ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5, threshold: 0.2 });
    return { optimizer, schedule, clipGradNorm: 0.5, labelSmoothing: 0.1 };
  },
  "the best weights, early stopping": (parameters) => ({
    optimizer: new SGD(parameters, { lr: 2 }),
    restoreBest: true,
    earlyStopping: { patience: 1 },
  }),
};

/** Another seed, and numbers drawn before: neither may matter to a training that goes on. */
function build(recipe: Recipe, seed = 0) {
  manualSeed(seed);
  const net = new Sequential(
    new BatchNorm2d(1),
    new Flatten(),
    new Linear(4, 6),
    new ReLU(),
    new Dropout(0.3),
    new Linear(6, 2),
  );
  const data = brightSide(34);
  return {
    net,
    options: {
      train: new DataLoader(data, { batchSize: 8, shuffle: true, seed: 3 }),
      val: new DataLoader(brightSide(12), { batchSize: 5 }),
      epochs: 3,
      ...recipe(net.parameters()),
    } satisfies FitOptions,
  };
}

/** What is not a matter of time. */
const timeless = ({ epochs, best, examplesPerSecond, ...history }: History) => ({
  ...history,
  epochs: epochs.map(({ seconds, waited, examplesPerSecond, ...rest }) => rest),
  best: best?.epoch,
});

/** As a checkpoint's file does: nothing of the state may be a living object. */
const copied = (state: TrainingState): TrainingState => structuredClone(state);

describe.each(Object.keys(recipes))("a training with %s", (name) => {
  const recipe = recipes[name]!;

  it("goes on from every step to the same bits", async () => {
    const states: TrainingState[] = [];
    const whole = build(recipe);
    const save = (state: TrainingState) => void states.push(copied(state));
    const history = await fit(whole.net, {
      ...whole.options,
      checkpoint: { save, everySteps: 1 },
    });
    const weights = await readWeights(whole.net);
    const drawn = randomState();
    const steps = history.steps.length;
    // After each step, and after each epoch.
    expect(states.length).toBe(steps + history.epochs.length);

    const plain = build(recipe);
    expect(timeless(await fit(plain.net, plain.options))).toEqual(timeless(history));
    expect(await readWeights(plain.net)).toEqual(weights);

    for (const state of states) {
      const { net, options } = build(recipe, 9);
      const resumed = await fit(net, { ...options, resume: copied(state) });
      expect(timeless(resumed)).toEqual(timeless(history));
      expect(await readWeights(net)).toEqual(weights);
      expect(randomState()).toEqual(drawn);
    }
  });
});

describe.each(Object.keys(recipes))("a training of some steps with %s", (name) => {
  const recipe = recipes[name]!;

  it("goes on for more as if they had been asked for, and for no more to the same end", async () => {
    const run = async (maxSteps: number, more: Partial<FitOptions> = {}) => {
      const { net, options } = build(recipe);
      const history = await fit(net, { ...options, maxSteps, ...more });
      return { history: timeless(history), weights: await readWeights(net) };
    };
    for (const within of [6, 7, 10]) {
      let last: TrainingState | undefined;
      const save = (state: TrainingState) => {
        last = copied(state);
      };
      const first = await run(within, { checkpoint: { save } });
      expect(last!.progress).toMatchObject({ batch: within % 5 });
      expect(await run(within, { resume: last! })).toEqual(first);
      expect(await run(13, { resume: last! })).toEqual(await run(13));
    }
  });
});

describe("fit with a checkpoint", () => {
  const recipe = recipes["momentum, a warm-up and a cosine"]!;

  it("keeps the state when the signal ends it: in training, and while it measures", async () => {
    const whole = build(recipe);
    const history = await fit(whole.net, whole.options);
    const weights = await readWeights(whole.net);
    /** Ended while a step, or else the validation part of epoch 2, is under way. */
    for (const when of ["step", "measure"]) {
      const controller = new AbortController();
      const reason = new Error("enough");
      let kept: TrainingState | undefined;
      const told: number[] = [];
      const { net, options } = build(recipe);
      const stopped = fit(net, {
        ...options,
        signal: controller.signal,
        checkpoint: {
          save: (state) => {
            kept = copied(state);
          },
        },
        onStep: ({ step, batch, batches }) => {
          told.push(step);
          if (when === "step" ? step === 7 : step > 7 && batch === batches)
            controller.abort(reason);
        },
      });
      await expect(stopped).rejects.toBe(reason);
      expect(kept!.progress.steps.map(({ step }) => step)).toEqual(told);
      if (when === "measure") expect(kept!.progress).toMatchObject({ epoch: 2, batch: 5 });

      const later: number[] = [];
      const again = build(recipe, 4);
      const resumed = await fit(again.net, {
        ...again.options,
        resume: kept!,
        onStep: ({ step }) => void later.push(step),
      });
      expect(timeless(resumed)).toEqual(timeless(history));
      expect(await readWeights(again.net)).toEqual(weights);
      expect([...told, ...later]).toEqual(history.steps.map(({ step }) => step));
    }
  });

  it("counts on how long the epoch has waited for its batches", async () => {
    let now = 0; // only the first batch that is asked for takes any time: a second
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
    try {
      const late = (train: DataLoader): DataLoader =>
        Object.assign(Object.create(train), {
          async *epoch(epoch: number, from: EpochOptions) {
            now += 1000;
            yield* train.epoch(epoch, from);
          },
        });
      const controller = new AbortController();
      const kept: TrainingState[] = [];
      const save = (state: TrainingState) => void kept.push(state);
      const { net, options } = build(recipe);
      const stopped = fit(net, {
        ...options,
        train: late(options.train),
        signal: controller.signal,
        checkpoint: { save },
        onStep: () => controller.abort(),
      });
      await expect(stopped).rejects.toThrow();
      expect(kept[0]!.progress.clock).toEqual({ learning: 0, passed: 1, waited: 1 });

      const again = build(recipe);
      await fit(again.net, {
        ...again.options,
        train: late(again.options.train),
        resume: kept[0]!,
        checkpoint: { save, everySteps: 1 },
      });
      expect(kept[1]!.progress).toMatchObject({
        epoch: 1,
        clock: { learning: 0, passed: 2, waited: 2 },
      });
    } finally {
      clock.mockRestore();
    }
  });

  it("takes a training of a million steps up again", async () => {
    let last: TrainingState | undefined;
    const { net, options } = build(recipes["plain SGD"]!);
    const save = (state: TrainingState) => {
      last = state;
    };
    await fit(net, { ...options, epochs: 1, checkpoint: { save } });
    const { progress } = last!;
    const steps = Array.from({ length: 1e6 }, (_, i) => ({ ...progress.steps[0]!, step: i + 1 }));
    const resume = { ...last!, progress: { ...progress, steps } };
    const history = await fit(net, { ...options, epochs: 2, resume });
    expect(history.steps.at(-1)!.step).toBe(1e6 + 5);
  });

  it("keeps it after every epoch, and not twice", async () => {
    const kept: number[] = [];
    const { net, options } = build(recipe);
    const save = ({ progress }: TrainingState) => void kept.push(progress.steps.length);
    await fit(net, { ...options, checkpoint: { save, everySteps: 3 } });
    expect(kept).toEqual([3, 5, 6, 9, 10, 12, 15, 15]);
  });

  it("goes on for longer, from the end of what was a whole training", async () => {
    const whole = build(recipes["plain SGD"]!);
    const history = await fit(whole.net, { ...whole.options, epochs: 4 });
    let last: TrainingState | undefined;
    const { net, options } = build(recipes["plain SGD"]!);
    const save = (state: TrainingState) => {
      last = state;
    };
    await fit(net, { ...options, epochs: 2, checkpoint: { save } });
    const resumed = await fit(net, { ...options, epochs: 4, resume: last! });
    expect(timeless(resumed)).toEqual(timeless(history));
    expect(await readWeights(net)).toEqual(await readWeights(whole.net));
  });

  it("ends with what keeps a batch from coming, and goes on from before", async () => {
    const whole = build(recipe);
    const history = await fit(whole.net, whole.options);
    const { net, options } = build(recipe);
    const vanished = new DataError(
      "pets/cat/3.jpg",
      "cannot be read: there is no such file (ENOENT)",
    );
    const train = Object.assign(Object.create(options.train), {
      async *epoch(epoch: number, from: EpochOptions) {
        let batch = from.startBatch ?? 0;
        for await (const pair of options.train.epoch(epoch, from)) {
          if (epoch === 1 && batch++ === 3) throw vanished;
          yield pair;
        }
      },
    });
    const states: TrainingState[] = [];
    const save = (state: TrainingState) => void states.push(copied(state));
    const run = { ...options, train, checkpoint: { save, everySteps: 2 } };
    await expect(fit(net, run)).rejects.toBe(vanished);
    expect(states.at(-1)!.progress.steps.length).toBe(8);
    const again = build(recipe);
    const resumed = await fit(again.net, { ...again.options, resume: states.at(-1)! });
    expect(timeless(resumed)).toEqual(timeless(history));
    expect(await readWeights(again.net)).toEqual(await readWeights(whole.net));
  });

  it("ends with what goes wrong in keeping it", async () => {
    const { net, options } = build(recipe);
    const save = () => {
      throw new Error("the disk is full");
    };
    await expect(fit(net, { ...options, checkpoint: { save } })).rejects.toThrow(
      "the disk is full",
    );
  });

  it("refuses a state of another network or optimizer, and leaves the network alone", async () => {
    let state: TrainingState | undefined;
    const adam = build(recipes["Adam, a plateau and clipped gradients"]!);
    const save = (kept: TrainingState) => {
      state = kept;
    };
    await fit(adam.net, { ...adam.options, epochs: 1, checkpoint: { save } });

    const { net, options } = build(recipe);
    const before = await readWeights(net);
    await expect(fit(net, { ...options, resume: state! })).rejects.toThrow(
      new ArgumentError("fit", 'the state to resume is not of this SGD: it has "step"'),
    );
    const lacking = { ...state!, optimizer: new Map() };
    await expect(fit(net, { ...options, resume: lacking })).rejects.toThrow(
      'the state to resume is not of this SGD: it lacks "0.momentum_buffer"',
    );
    expect(await readWeights(net)).toEqual(before);
  });

  it("refuses what it could not go on from", async () => {
    const { net, options } = build(recipe);
    const run = (more: Partial<FitOptions>) => fit(net, { ...options, ...more });
    const save = () => {};
    await expect(run({ schedule: { step: save }, checkpoint: { save } })).rejects.toThrow(
      new ArgumentError("fit", "checkpoint needs a schedule with stateDict() and loadStateDict()"),
    );
    await expect(run({ checkpoint: { save, everySteps: 0 } })).rejects.toThrow(
      "fit: checkpoint.everySteps must be a whole number, at least 1; got 0",
    );
    await expect(run({ checkpoint: { save, everySeconds: 0 } })).rejects.toThrow(
      "fit: checkpoint.everySeconds must be a number above 0; got 0",
    );
  });
});
