// What a training does where numbers are none any more: it names the step and the layer, and leaves the
// weights as they were before that step.

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
import type { Loss } from "./steps.js";
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
});
