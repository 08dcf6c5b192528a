// What a guard costs: where a step's updates depend on its loss alone, it is planned as one that does not look,
// and looks at the gradients of its biases in two calls at its end.

import { beforeAll, describe, expect, it } from "vitest";
import { loader, network } from "../../test/support/ill-networks.js";
import { openReference } from "../backends/reference/index.js";
import type { PlanReport } from "../compile.js";
import { zeros } from "../create.js";
import "../engine.js";
import { alexnet, googlenet } from "../models/index.js";
import type { Network } from "../nn/index.js";
import { Adam, type Optimizer, SGD } from "../optim/index.js";
import { manualSeed, setBackend } from "../runtime.js";
import { type TrainStepOptions, trainStep } from "./steps.js";
import { readValues, readWeights } from "./values.js";

beforeAll(() => setBackend(openReference()));

type Guard = NonNullable<TrainStepOptions["guard"]>;

const optimizers: Readonly<Record<string, (net: Network) => Optimizer>> = {
  SGD: (net) => new SGD(net.parameters(), { lr: 0.01 }),
  "SGD with momentum": (net) => new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 }),
  Adam: (net) => new Adam(net.parameters()),
};

function planned(build: () => Network, optimizer: string, guard?: Guard): PlanReport {
  const net = build();
  const side = build === alexnet ? 224 : 96;
  const step = trainStep(net, optimizers[optimizer]!(net), guard && { guard });
  return step.plan(zeros([8, 1, side, side], "u8"), zeros([8], "i32"));
}

/** How often each kernel is called. */
function counted({ calls }: PlanReport): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kernel } of calls) counts[kernel] = (counts[kernel] ?? 0) + 1;
  return counts;
}

describe("a step that stops where its loss is not finite", () => {
  it.each(Object.keys(optimizers))("needs two small calls for it: AlexNet, %s", (name) => {
    const free = planned(alexnet, name, "none");
    const halting = planned(alexnet, name, "halt");
    const { elementwise = 0, reduce = 0, ...others } = counted(free);
    expect(counted(halting)).toEqual({
      ...others,
      elementwise: elementwise + 1,
      reduce: reduce + 1,
    });
    const biases = 96 + 256 + 384 + 384 + 256 + 4096 + 4096 + 10;
    expect(halting.arenaBytes).toBeLessThanOrEqual(free.arenaBytes + 4 * biases + 1024); // some numbers
    const [sum, decision] = halting.calls.slice(-2);
    expect(sum).toMatchObject({ kernel: "reduce", shapes: `${biases} → 1` });
    expect(decision).toMatchObject({ kernel: "elementwise", shapes: "1" });
  });

  it("needs hardly any for it among many layers: GoogLeNet", () => {
    const free = planned(googlenet, "SGD", "none");
    const halting = planned(googlenet, "SGD", "halt");
    expect(halting.calls.length).toBeLessThanOrEqual(free.calls.length + 3);
    expect(halting.arenaBytes).toBeLessThanOrEqual(1.02 * free.arenaBytes);
  });

  it("is what steps are where nothing else is asked for", () => {
    const step = planned(alexnet, "SGD");
    expect(step.explain()).toBe(planned(alexnet, "SGD", "halt").explain());
    expect(step.explain()).not.toBe(planned(alexnet, "SGD", "none").explain());
  });
});

describe("a step that is left out where gradients are not finite", () => {
  it("keeps all of them until the last one is known", () => {
    const [free, skipping] = [planned(alexnet, "SGD", "none"), planned(alexnet, "SGD", "skip")];
    expect(skipping.arenaBytes).toBeGreaterThan(1.5 * free.arenaBytes);
  });
});

describe("looking for what is not finite", () => {
  it("changes no bit of a training where all is", async () => {
    const trained = async (guard: "none" | "skip" | "halt") => {
      manualSeed(1);
      const [net, batches] = [network(), loader()];
      const optimizer = new Adam(net.parameters(), { lr: 0.01 });
      const guarded = trainStep(net, optimizer, { pixels: batches.pixels, guard });
      net.train();
      for await (const [x, y] of batches.epoch(0)) await guarded(x, y);
      return [await readWeights(net), await readValues(optimizer.states())];
    };
    const plain = await trained("none");
    expect(await trained("halt")).toEqual(plain);
    expect(await trained("skip")).toEqual(plain);
  });
});
