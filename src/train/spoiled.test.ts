// What a training does where an update has made values that are not finite, since a gradient was not while
// the loss was: it says which layer's and when, and keeps nothing of it.

import { beforeAll, describe, expect, it } from "vitest";
import {
  type Drip,
  Fork,
  loader,
  network,
  Steep,
  steep,
  steepFrom,
  step,
} from "../../test/support/ill-networks.js";
import { openReference } from "../backends/reference/index.js";
import { where } from "../combine.js";
import { full, zeros } from "../create.js";
import "../engine.js";
import { crossEntropy } from "../nn/functional.js";
import {
  Buffer,
  Flatten,
  Linear,
  Module,
  type Network,
  Parameter,
  Sequential,
} from "../nn/index.js";
import { Adam, SGD } from "../optim/index.js";
import { manualSeed, randomState, setBackend } from "../runtime.js";
import type { Tensor } from "../tensor.js";
import { diagnose } from "./diagnose.js";
import { fit } from "./fit.js";
import type { FitOptions } from "./fit-options.js";
import { NonFiniteError } from "./non-finite.js";
import { type Loss, trainStep } from "./steps.js";
import type { TrainingState } from "./training.js";

beforeAll(() => setBackend(openReference()));

/** A matrix whose gradient nothing else is computed from; after its update all values are. */
class Alone extends Module {
  p = new Parameter(zeros([1, 1]), "p");
  constructor(readonly drip: Drip) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return x.add(steep(this.p, this.drip).sum());
  }
}

/** A matrix that no value of the network depends on once it is not finite. */
class Hidden extends Alone {
  override forward(x: Tensor): Tensor {
    return x.add(where(this.p.gt(-10), steep(this.p, this.drip), 0).sum());
  }
}

/** Knows a value that is infinite on purpose: no step changes it. */
class Bound extends Module {
  least = new Buffer(full([1], Number.NEGATIVE_INFINITY), "least");
  override forward(x: Tensor): Tensor {
    return where(x.gt(this.least), x, 0);
  }
}

interface Case {
  readonly net?: () => Network;
  readonly loss?: () => Loss;
  readonly layer: string;
  readonly type: string;
  readonly name: string;
}

/** The first parameters that a gradient comes by after it was spoiled are named. */
const cases: Readonly<Record<string, Case>> = {
  "the first layers": {
    net: () => network(1, new Steep(steepFrom())),
    ...{ layer: "0", type: "Conv2d", name: "0.weight" },
  },
  "the last layers": {
    net: () => network(8, new Steep(steepFrom())),
    ...{ layer: "6", type: "Linear", name: "6.weight" },
  },
  "one of several branches": {
    net: () => network(1, new Fork(new Steep(steepFrom()))),
    ...{ layer: "0", type: "Conv2d", name: "0.weight" },
  },
  "the loss": {
    loss: () => {
      const drip = steepFrom();
      return (logits, y) => crossEntropy(logits, y).add(steep(logits, drip).sum());
    },
    ...{ layer: "8", type: "Linear", name: "8.weight" },
  },
};

function setUp({ net: build = network, loss }: Partial<Case>, optimize: "sgd" | "adam" = "adam") {
  manualSeed(1);
  const net = build();
  const parameters = net.parameters();
  const optimizer = optimize === "sgd" ? new SGD(parameters, { lr: 0.1 }) : new Adam(parameters);
  const states: TrainingState[] = [];
  const told: number[] = [];
  const options: FitOptions = {
    ...{ train: loader(), optimizer, epochs: 3, ...(loss && { loss: loss() }) },
    onStep: (record) => void told.push(record.step),
    checkpoint: { save: (state) => void states.push(state) },
  };
  return { net, options, states, told };
}

/** The error that a training ends with. */
async function failure(net: Network, options: FitOptions): Promise<NonFiniteError> {
  try {
    await fit(net, options);
  } catch (error) {
    if (error instanceof NonFiniteError) return error;
    throw error;
  }
  return expect.unreachable("it went on to its end");
}

const finite = ({ weights, optimizer }: TrainingState) =>
  [...weights.values(), ...optimizer.values()].every(({ data }) =>
    (data as Float32Array).every(Number.isFinite),
  );

describe("a gradient that is not finite, though the loss is", () => {
  describe.each(["sgd", "adam"] as const)("%s", (optimize) => {
    it.each(Object.keys(cases))("ends the training at its step: in %s", async (what) => {
      const { layer, type, name } = cases[what]!;
      const { net, options, states, told } = setUp(cases[what]!, optimize);
      const error = await failure(net, options);
      expect({ step: error.step, epoch: error.epoch }).toEqual({ step, epoch: 2 });
      expect(error.finding).toEqual({ kind: "update", layer, type, name, steps: [step, step] });
      expect(error.message).toBe(
        `fit: after step 5 not all values are finite; the update of step 5 has made "${name}" in ` +
          `"${layer}" (${type}) not finite`,
      );
      expect(Number.isFinite(error.loss)).toBe(true);
      expect(told).toEqual([1, 2, 3, 4, 5]);
      // that after the first epoch
      expect(states.map(({ progress }) => progress.steps.length)).toEqual([3]);
      expect(states.every(finite)).toBe(true);
    });

    it.each(Object.keys(cases))("is seen before a checkpoint is made: in %s", async (what) => {
      const { layer, type, name } = cases[what]!;
      const { net, options, states } = setUp(cases[what]!, optimize);
      const checkpoint = { ...options.checkpoint!, everySteps: 1 };
      const error = await failure(net, { ...options, checkpoint });
      expect(error.step).toBe(step);
      expect(error.finding).toEqual({ kind: "update", layer, type, name, steps: [step, step] });
      expect(states.at(-1)!.progress.steps).toHaveLength(step - 1);
      expect(states.every(finite)).toBe(true);
    });
  });
});

describe("a gradient of a matrix alone that is not finite", () => {
  const alone = { net: () => network(1, new Alone(steepFrom())) };
  const finding = {
    ...{ kind: "update", layer: "1", type: "Alone", name: "1.p" },
    steps: [step, step],
  };

  it("is seen in the next step's loss", async () => {
    const { net, options, states, told } = setUp(alone);
    const error = await failure(net, options);
    expect({ step: error.step, epoch: error.epoch }).toEqual({ step: step + 1, epoch: 2 });
    expect(error.finding).toEqual(finding);
    expect(error.loss).toBeNaN();
    expect(told).toEqual([1, 2, 3, 4, 5, 6]);
    expect(states.map(({ progress }) => progress.steps.length)).toEqual([3]);
    expect(states.every(finite)).toBe(true);
  });

  it("is seen so where no layer has a bias, too", async () => {
    const matrix = () => new Linear(16, 2, { bias: false });
    const { net, options } = setUp({ net: () => new Sequential(new Flatten(), matrix()) });
    expect((await fit(net, options)).steps).toHaveLength(9);

    const loss = cases["the loss"]!.loss!;
    const lost = setUp({ net: () => new Sequential(new Flatten(), matrix()), loss });
    const error = await failure(lost.net, lost.options);
    expect(error).toMatchObject({ step: step + 1, finding: { name: "1.weight" } });
  });

  it("is seen before a checkpoint is made", async () => {
    const { net, options, states } = setUp(alone);
    const checkpoint = { ...options.checkpoint!, everySteps: 1 };
    expect(await failure(net, { ...options, checkpoint })).toMatchObject({ step, finding });
    expect(states.at(-1)!.progress.steps).toHaveLength(step - 1);
  });
});

describe("steps under way behind one whose gradients are not finite", () => {
  it("change nothing any more", async () => {
    const { net, options } = setUp(cases["the first layers"]!);
    const learnt = new SGD(net.parameters(), { lr: 0.1 });
    const learn = trainStep(net, learnt, { pixels: options.train.pixels });
    net.train();
    const told: number[] = [];
    for await (const [x, y] of options.train.epoch(0)) {
      for (let i = 0; i < 2; i++) told.push(await (await learn(x, y)).finite!.item());
    }
    // from the fifth on
    expect(told).toEqual([1, 1, 1, 1, 0, 0]);
    const counter = net.stateDict().get("2.num_batches_tracked")!;
    expect(await counter.item()).toBe(step);
  });
});

describe("values that no loss shows", () => {
  it("are seen at the end of the epoch, and never kept", async () => {
    const hidden = () => network(1, new Hidden(steepFrom()));
    const { net, options, states } = setUp({ net: hidden });
    const epochs: number[] = [];
    const error = await failure(net, {
      ...options,
      onEpoch: ({ epoch }) => void epochs.push(epoch),
    });
    expect(error.message).toBe(
      "fit: after step 6 not all values are finite; the update of a step from 4 to 6 has made " +
        '"1.p" in "1" (Hidden) not finite',
    );
    expect(Number.isFinite(error.loss)).toBe(true);
    expect(epochs).toEqual([1]);
    expect(states.map(({ progress }) => progress.steps.length)).toEqual([3]);
    expect(states.every(finite)).toBe(true);
  });

  it("are seen by who asks for no checkpoints, too", async () => {
    const { net, options } = setUp({ net: () => network(1, new Hidden(steepFrom())) });
    const { checkpoint: _, ...others } = options;
    expect((await failure(net, { ...others, maxSteps: step })).finding).toEqual({
      ...{ kind: "update", layer: "1", type: "Hidden", name: "1.p" },
      steps: [4, step],
    });
  });

  it("may be the optimizer's: squares of gradients that are finite", async () => {
    // 1e25 is a float, its square is not
    const large: Loss = (logits, y) => crossEntropy(logits, y).mul(1e25);
    const { net, options, states } = setUp({ loss: () => large });
    const error = await failure(net, options);
    expect(error.finding).toMatchObject({ kind: "update", kept: "exp_avg_sq", steps: [1, 3] });
    expect(error.message).toMatch(/has made "exp_avg_sq" of "8\.(weight|bias)" in "8" \(Linear\)/);
    expect(states).toEqual([]);
  });

  it("are not those that were given to it", async () => {
    const bounded = () => network(6, new Bound());
    const { net, options, states } = setUp({ net: bounded });
    await fit(net, options);
    expect(states).toHaveLength(3);

    const ill = setUp({ net: bounded, loss: cases["the loss"]!.loss! });
    const error = await failure(ill.net, ill.options);
    expect(error.finding).toMatchObject({ kind: "update", layer: "9", name: "9.weight" });
    const lost = setUp({ net: bounded, loss: () => (l, y) => crossEntropy(l, y).mul(Number.NaN) });
    expect(await failure(lost.net, lost.options)).toMatchObject({
      ...{ step: 1, finding: { kind: "loss" } },
    });
  });

  it("may have been infinite for long; NaN would not have stayed hidden", async () => {
    const { net, options } = setUp({});
    const [x, y] = (await options.train.epoch(0).next()).value!;
    const { pixels } = options.train;
    const found = (value: number) => {
      const bias = net.stateDict().get("6.bias")!;
      bias.set(full(bias.shape, value));
      const updates = [3, 7] as const;
      const loss: Loss = (logits, target) => crossEntropy(logits, target).log().mul(Number.NaN);
      return diagnose(net, { ...{ x, y, pixels, loss, updates }, random: randomState() });
    };
    net.train();
    const update = { kind: "update", layer: "6", type: "Linear", name: "6.bias" };
    expect(await found(Number.NEGATIVE_INFINITY)).toEqual({ ...update, steps: [3, 7] });
    expect(await found(Number.NaN)).toEqual({ ...update, steps: [7, 7] });
    expect(await found(0)).toEqual({ kind: "loss" });
  });
});
