// What a training does where numbers are none any more: it names the step and the layer, and leaves the
// weights as they were before that step; or leaves the step out.

import { beforeAll, describe, expect, it } from "vitest";
import { openReference } from "../backends/reference/index.js";
import "../engine.js";
import {
  Drip,
  Fork,
  illFrom,
  loader,
  network,
  Poison,
  Steep,
  steep,
  steepFrom,
  step,
} from "../../test/support/ill-networks.js";
import { fromTypedArray } from "../create.js";
import type { DataLoader } from "../data/index.js";
import { crossEntropy } from "../nn/functional.js";
import { Flatten, Linear, type Logits, Module, type Network, Sequential } from "../nn/index.js";
import { Adam, SGD } from "../optim/index.js";
import { manualSeed, setBackend } from "../runtime.js";
import type { Tensor } from "../tensor.js";
import { fit } from "./fit.js";
import type { FitOptions } from "./fit-options.js";
import { type Finding, NonFiniteError } from "./non-finite.js";
import { type Loss, trainStep } from "./steps.js";
import type { TrainingState } from "./training.js";
import { readWeights } from "./values.js";

beforeAll(() => setBackend(openReference()));

interface Case {
  readonly net?: () => Network;
  readonly options?: (
    parameters: Iterable<
      ConstructorParameters<typeof SGD>[0] extends Iterable<infer P> ? P : never
    >,
  ) => Partial<FitOptions>;
  /** Changes the weights before step 5. */
  readonly spoil?: (weights: Map<string, Float32Array>) => void;
  readonly finding: Finding;
  readonly loss?: "finite";
}

/** A loader whose pixels are not finite from a step on. */
function illLoader(): DataLoader {
  const made = loader();
  const { pixels } = made;
  const drip = illFrom(Number.POSITIVE_INFINITY);
  return Object.assign(made, { pixels: (x: Tensor) => pixels(x).add(drip.value()) });
}

/** Spoils one value of a tensor. */
const spoiled =
  (name: string, value = Number.NaN): Case["spoil"] =>
  (weights) => {
    weights.get(name)!.fill(value, -1);
  };

/** Clips at what no gradient reaches: all of them are looked at before one changes anything. */
const clipped = () => ({ clipGradNorm: 1e9 });

const poisoned = (at: number, ill?: number): Case => ({
  net: () => network(at, new Poison(illFrom(ill))),
  finding: { kind: "output", layer: String(at), type: "Poison" },
});

const values = (layer: string, type: string, name: string): Finding => ({
  kind: "values",
  layer,
  type,
  name,
});

/** Computes something itself between its layers. */
class Own extends Module<[Tensor], Logits> {
  body = new Sequential(new Flatten(), new Linear(16, 4));
  head = new Linear(4, 2);
  constructor(readonly drip: Drip) {
    super();
  }
  override forward(x: Tensor): Logits {
    const logits = this.head(this.body(x).add(this.drip.value()));
    return { logits, auxiliary: [logits.mul(0.5)], weight: 0.3 };
  }
}

const cases: Readonly<Record<string, Case>> = {
  "an image": { options: () => ({ train: illLoader() }), finding: { kind: "images" } },
  "an activation before the first layer": poisoned(0),
  "an activation after a convolution": poisoned(1),
  "an activation after batch norm, infinite": poisoned(2, Number.POSITIVE_INFINITY),
  "an activation after pooling": poisoned(4),
  "an activation after dropout": poisoned(6, Number.NEGATIVE_INFINITY),
  "the logits": poisoned(9),
  "what the network computes between its layers": {
    net: () => new Own(illFrom()),
    finding: { kind: "output", layer: "", type: "Own" },
  },
  "one of several branches": {
    net: () => network(1, new Fork(new Poison(illFrom()))),
    finding: { kind: "output", layer: "1.middle", type: "Poison" },
  },
  "a weight of the first layer": {
    spoil: spoiled("0.weight"),
    finding: values("0", "Conv2d", "0.weight"),
  },
  "a bias of the first layer, infinite": {
    spoil: spoiled("0.bias", Number.POSITIVE_INFINITY),
    finding: values("0", "Conv2d", "0.bias"),
  },
  "a weight of batch norm": {
    spoil: spoiled("1.weight"),
    finding: values("1", "BatchNorm2d", "1.weight"),
  },
  "a weight in the middle": {
    spoil: spoiled("6.weight", Number.NEGATIVE_INFINITY),
    finding: values("6", "Linear", "6.weight"),
  },
  "a bias of the last layer": {
    spoil: spoiled("8.bias"),
    finding: values("8", "Linear", "8.bias"),
  },
  "a weight so large that its layer's values are none": {
    // 3e38 is a float, and 12 inputs times it are not
    spoil: (weights) => void weights.get("6.weight")!.fill(3e38),
    finding: { kind: "output", layer: "6", type: "Linear" },
  },
  "the loss": {
    options: () => {
      const drip = illFrom();
      return { loss: (logits, y) => crossEntropy(logits, y).add(drip.value()) };
    },
    finding: { kind: "loss" },
  },
  "the loss of logits that are far apart": {
    spoil: (weights) => void weights.get("8.bias")!.set([-3e38, 3e38]),
    finding: { kind: "loss" },
  },
  "a gradient in the first layers": {
    net: () => network(1, new Steep(steepFrom())),
    options: clipped,
    loss: "finite",
    finding: { kind: "gradient", layer: "1", type: "Steep" },
  },
  "a gradient in the last layers": {
    net: () => network(8, new Steep(steepFrom())),
    options: clipped,
    loss: "finite",
    finding: { kind: "gradient", layer: "8", type: "Steep" },
  },
  "a gradient in one of several branches": {
    net: () => network(1, new Fork(new Steep(steepFrom()))),
    options: clipped,
    loss: "finite",
    finding: { kind: "gradient", layer: "1.middle", type: "Steep" },
  },
  "the loss's gradient": {
    options: () => {
      const drip = steepFrom();
      const loss: Loss = (logits, y) => crossEntropy(logits, y).add(steep(logits, drip).sum());
      return { loss, ...clipped() };
    },
    loss: "finite",
    finding: { kind: "gradient" },
  },
};

function setUp({ net: build = network, options }: Case) {
  manualSeed(1);
  const net = build();
  const optimizer = new Adam(net.parameters(), { lr: 0.01 });
  return {
    net,
    options: { train: loader(), optimizer, epochs: 3, ...options?.(net.parameters()) },
  };
}

/** The state before a step, with spoiled weights. */
async function spoiledState(net: Network, options: FitOptions, spoil: NonNullable<Case["spoil"]>) {
  const states: TrainingState[] = [];
  const save = (state: TrainingState) => void states.push(state);
  await fit(net, { ...options, maxSteps: step - 1, checkpoint: { save, everySteps: 1 } });
  const state = states.find(({ progress }) => progress.steps.length === step - 1)!;
  spoil(new Map([...state.weights].map(([name, { data }]) => [name, data as Float32Array])));
  return state;
}

/** Its values, whatever becomes of what they were computed from. */
const fixed = async (x: Tensor) => fromTypedArray(await x.data(), x.shape);

describe("a training whose numbers are none", () => {
  it.each(Object.keys(cases))("names step and layer: %s", async (name) => {
    const { spoil, finding, loss = "not finite" } = cases[name]!;
    const { net, options } = setUp(cases[name]!);
    const resume = spoil && (await spoiledState(net, options, spoil));
    const told: number[] = [];
    const run = fit(net, {
      ...options,
      ...(resume && { resume }),
      onStep: (record) => void told.push(record.step),
    });
    const error = await run.then(
      () => expect.unreachable("it went on to its end"),
      (error: unknown) => error,
    );
    if (!(error instanceof NonFiniteError)) throw error;
    expect({ step: error.step, epoch: error.epoch }).toEqual({ step, epoch: 2 });
    expect(error.finding).toEqual(finding);
    expect(Number.isFinite(error.loss) ? "finite" : "not finite").toBe(loss);
    expect(told.at(-1)).toBe(step);

    // The weights are those of the step before.
    const after = await readWeights(net);
    if (resume) expect(after).toEqual(resume.weights);
    else {
      const twin = setUp(cases[name]!);
      await fit(twin.net, { ...twin.options, maxSteps: step - 1 });
      expect(after).toEqual(await readWeights(twin.net));
    }
  });

  it.each([1e20, 1e25, 1e36])(
    "names them where the learning rate is far too high: %d",
    async (lr) => {
      const { net, options } = setUp({ finding: { kind: "images" } });
      const optimizer = new SGD(net.parameters(), { lr });
      const error = await fit(net, { ...options, optimizer }).catch((error: unknown) => error);
      if (!(error instanceof NonFiniteError)) throw error;
      // The first step is a step, however long.
      expect(error.step).toBe(2);
      // Layer by layer, with the weights before the second.
      const batch = options.train.epoch(0, { startBatch: 1 });
      let x = options.train.pixels((await batch.next()).value![0]);
      net.train();
      for (const [name, layer] of net.namedChildren()) {
        x = await fixed(layer(x) as Tensor);
        if ((await x.data()).every(Number.isFinite)) continue;
        expect(error.finding).toEqual({
          kind: "output",
          layer: name,
          type: layer.constructor.name,
        });
        return;
      }
      expect(error.finding).toEqual({ kind: "loss" });
    },
  );

  it("changes nothing after a step that failed, though the next one's numbers are finite", async () => {
    const once = () => network(1, new Poison(new Drip(step, 0, Number.NaN, step + 1)));
    const { net, options } = setUp({ net: once, finding: { kind: "images" } });
    const run = fit(net, { ...options, onStep: () => new Promise((r) => setTimeout(r, 20)) });
    await expect(run).rejects.toMatchObject({ step });
    const twin = setUp({ net: once, finding: { kind: "images" } });
    await fit(twin.net, { ...twin.options, maxSteps: step - 1 });
    expect(await readWeights(net)).toEqual(await readWeights(twin.net));
  });

  it("says it in one sentence", () => {
    const facts = { step: 5, epoch: 2, loss: Number.NaN, skipped: 0 };
    const said = (finding: Finding, loss = facts.loss) =>
      new NonFiniteError({ ...facts, loss, finding }).message;
    expect(said({ kind: "output", layer: "features.3", type: "Conv2d" })).toBe(
      "fit: step 5 cannot be taken: its loss is NaN; the first values that are not finite come out " +
        'of "features.3" (Conv2d)',
    );
    expect(said({ kind: "output", layer: "", type: "Net" })).toContain(
      "come out of the network itself (Net)",
    );
    expect(said(values("1", "BatchNorm2d", "1.weight"))).toContain(
      '; the first values that are not finite are "1.weight" of "1" (BatchNorm2d)',
    );
    expect(said({ kind: "images" })).toContain("; the batch's images are not finite");
    expect(said({ kind: "loss" })).toContain(
      "; the first value that is not finite is the loss itself: the network's output is finite",
    );
    expect(said({ kind: "gradient", layer: "1", type: "Steep" }, 0.5)).toBe(
      "fit: step 5 cannot be taken: its gradients are not finite; the first gradient that is not " +
        'finite, on the way back, comes from "1" (Steep)',
    );
    expect(said({ kind: "gradient" }, 0.5)).toContain("comes from the loss");
    expect(said({ kind: "gradient", layer: "1", type: "Linear", name: "1.bias" }, 0.5)).toContain(
      'is that of "1.bias" in "1" (Linear)',
    );
    const update = { kind: "update", layer: "1", type: "Linear", name: "1.bias" } as const;
    expect(said({ ...update, steps: [4, 4] })).toBe(
      "fit: step 5 cannot be taken: its loss is NaN; the update of step 4 has made " +
        '"1.bias" in "1" (Linear) not finite',
    );
    const found = { ...update, kept: "exp_avg", steps: [3, 5] } as const;
    expect(new NonFiniteError({ ...facts, loss: 1, finding: found, taken: true }).message).toBe(
      "fit: after step 5 not all values are finite; the update of a step from 3 to 5 has made " +
        '"exp_avg" of "1.bias" in "1" (Linear) not finite',
    );
    expect(new NonFiniteError({ ...facts, finding: undefined, skipped: 9 }).message).toBe(
      "fit: step 5 cannot be taken, after 9 steps that were left out: its loss is NaN",
    );
  });
});

describe("a training that leaves steps out", () => {
  const once = (): Case => ({
    net: () => network(1, new Poison(new Drip(step, 0, Number.NaN, step + 1))),
    finding: { kind: "images" },
  });

  it("changes nothing in them, and goes on", async () => {
    const { net, options } = setUp(once());
    const states: TrainingState[] = [];
    const { steps, epochs } = await fit(net, {
      ...options,
      onNonFinite: "skip",
      checkpoint: { save: (state) => void states.push(state), everySteps: 1 },
    });
    expect(steps.filter(({ skipped }) => skipped).map((record) => record.step)).toEqual([step]);
    expect(steps[step - 1]!.loss).toBeNaN();
    const after = (count: number) =>
      states.find(({ progress }) => progress.steps.length === count)!;
    for (const part of ["weights", "optimizer"] as const) {
      expect(after(step)[part]).toEqual(after(step - 1)[part]);
      expect(after(step + 1)[part]).not.toEqual(after(step)[part]);
    }
    // of the two batches that count
    expect(epochs[1]!.trainLoss).toBeCloseTo((steps[3]!.loss + steps[5]!.loss) / 2, 12);
  });

  it("ends after ten in a row", async () => {
    const { net, options } = setUp({ ...poisoned(1), options: () => ({ epochs: 9 }) });
    const run = fit(net, { ...options, onNonFinite: "skip" });
    await expect(run).rejects.toMatchObject({
      step: step + 9,
      finding: { kind: "output", layer: "1", type: "Poison" },
    });
    await expect(run).rejects.toThrow(
      /^fit: step 14 cannot be taken, after 9 steps that were left out:/,
    );
  });

  it("ends after ten in a row, also where it was interrupted after some of them", async () => {
    const long = { options: () => ({ epochs: 9 }) };
    const { net, options } = setUp({ ...poisoned(1), ...long });
    const states: TrainingState[] = [];
    const save = (state: TrainingState) => void states.push(state);
    const skip = { ...options, onNonFinite: "skip" } as const;
    await expect(fit(net, { ...skip, checkpoint: { save, everySteps: 1 } })).rejects.toThrow();
    const resume = states.find(({ progress }) => progress.steps.length === step + 3)!;

    const ill = () => network(1, new Poison(new Drip(1, 0, Number.NaN)));
    const again = setUp({ ...poisoned(1), net: ill, ...long });
    await expect(
      fit(again.net, { ...again.options, onNonFinite: "skip", resume }),
    ).rejects.toMatchObject({ step: step + 9 });
  });
});

describe("looking for what is not finite", () => {
  it("changes no bit of a training where all is", async () => {
    const trained = async (guard: "none" | "skip" | "halt") => {
      const { net, options } = setUp({ finding: { kind: "images" } });
      const guarded = trainStep(net, options.optimizer, {
        pixels: options.train.pixels,
        guard,
      });
      net.train();
      for await (const [x, y] of options.train.epoch(0)) await guarded(x, y);
      return [
        await readWeights(net),
        await Promise.all([...options.optimizer.states()].map(([, s]) => s.data())),
      ];
    };
    const plain = await trained("none");
    expect(await trained("halt")).toEqual(plain);
    expect(await trained("skip")).toEqual(plain);
  });
});
