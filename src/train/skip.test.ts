// Trainings that leave steps out whose numbers are none.

import { beforeAll, describe, expect, it } from "vitest";
import { Drip, illFrom, loader, network, Poison, step } from "../../test/support/ill-networks.js";
import { openReference } from "../backends/reference/index.js";
import "../engine.js";
import { Adam } from "../optim/index.js";
import { manualSeed, setBackend } from "../runtime.js";
import { fit } from "./fit.js";
import type { TrainingState } from "./training.js";

beforeAll(() => setBackend(openReference()));

/** A training of a network with a layer whose values are not finite where the drip is. */
function setUp(drip: Drip, epochs: number) {
  manualSeed(1);
  const net = network(1, new Poison(drip));
  const optimizer = new Adam(net.parameters(), { lr: 0.01 });
  const onNonFinite = "skip" as const;
  return { net, options: { train: loader(), optimizer, epochs, onNonFinite } };
}

describe("a training that leaves steps out", () => {
  it("changes nothing in them, and goes on", async () => {
    const { net, options } = setUp(new Drip(step, 0, Number.NaN, step + 1), 3);
    const states: TrainingState[] = [];
    const { steps, epochs } = await fit(net, {
      ...options,
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
    const { net, options } = setUp(illFrom(), 9);
    const run = fit(net, options);
    await expect(run).rejects.toMatchObject({
      step: step + 9,
      finding: { kind: "output", layer: "1", type: "Poison" },
    });
    await expect(run).rejects.toThrow(
      /^fit: step 14 cannot be taken, after 9 steps that were left out:/,
    );
  });

  it("ends after ten in a row, also where it was interrupted after some of them", async () => {
    const { net, options } = setUp(illFrom(), 9);
    const states: TrainingState[] = [];
    const save = (state: TrainingState) => void states.push(state);
    const checkpoint = { save, everySteps: 1 };
    await expect(fit(net, { ...options, checkpoint })).rejects.toThrow();
    const resume = states.find(({ progress }) => progress.steps.length === step + 3)!;

    const again = setUp(new Drip(1, 0, Number.NaN), 9);
    await expect(fit(again.net, { ...again.options, resume })).rejects.toMatchObject({
      step: step + 9,
    });
  });
});
