import { beforeAll, describe, expect, it } from "vitest";
import { openReference } from "../backends/reference/index.js";
import "../engine.js";
import { DataLoader, type Dataset } from "../data/index.js";
import { ArgumentError } from "../errors.js";
import { Flatten, Linear, Sequential } from "../nn/index.js";
import { SGD } from "../optim/index.js";
import { manualSeed, setBackend } from "../runtime.js";
import { type FitOptions, fit, type StepProgress } from "./fit.js";

/** Two pixels; the class says which of them is bright. */
function brightSide(count: number): Dataset {
  const labels = Uint8Array.from({ length: count }, (_, i) => (i >> 1) % 2);
  const images = Uint8Array.from({ length: 2 * count }, (_, i) =>
    labels[i >> 1] === i % 2 ? 200 + (i % 50) : i % 50,
  );
  return {
    images,
    labels,
    count,
    height: 1,
    width: 2,
    channels: 1,
    classNames: ["left", "right"],
    source: "made here",
  };
}

const loader = (count: number, batchSize: number) =>
  new DataLoader(brightSide(count), { batchSize });

function train(options: Partial<FitOptions> = {}) {
  manualSeed(0);
  const net = new Sequential(new Flatten(), new Linear(2, 2));
  const optimizer = new SGD(net.parameters(), { lr: 0.5 });
  return fit(net, { train: loader(50, 8), test: loader(20, 8), optimizer, epochs: 3, ...options });
}

beforeAll(() => setBackend(openReference()));

describe("fit", () => {
  it("learns, and tells every step and epoch", async () => {
    const told: StepProgress[] = [];
    const { steps, epochs } = await train({ onStep: (step) => void told.push(step) });
    expect(steps.map((s) => s.step)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
    expect(steps.map((s) => s.epoch)).toEqual(
      Array.from({ length: 21 }, (_, i) => 1 + ((i / 7) | 0)),
    );
    expect(told.map(({ step, epoch, loss }) => ({ step, epoch, loss }))).toEqual(steps);
    expect(told[6]).toMatchObject({ batch: 7, batches: 7, examples: 50 });
    expect(epochs.map((e) => e.epoch)).toEqual([1, 2, 3]);
    expect(epochs[2]).toMatchObject({ trainAcc: 1, testAcc: 1 });
    expect(epochs[2]!.testLoss).toBeLessThan(epochs[0]!.testLoss!);
  });

  it("counts each example once: a last batch of two weighs two", async () => {
    const { steps, epochs } = await train({ epochs: 1 });
    const weighted = steps.reduce((sum, s, i) => sum + s.loss * (i < 6 ? 8 : 2), 0);
    expect(epochs[0]!.trainLoss).toBeCloseTo(weighted / 50, 12);
  });

  it("gives five points per epoch, and one at its end", async () => {
    const { curve, epochs } = await train({ train: loader(50, 2), epochs: 2 });
    const at = [0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2];
    expect(curve.map((p) => Math.round(p.epoch * 100) / 100)).toEqual(at);
    expect(curve.at(-1)!.trainLoss).toBe(epochs[1]!.trainLoss);

    const uneven = await train({ train: loader(50, 8), epochs: 1 });
    expect(uneven.curve.map((p) => Math.round(p.epoch * 7))).toEqual([2, 3, 5, 6, 7]);
  });

  it("ends after maxSteps, in the middle of an epoch, with a test", async () => {
    const { steps, epochs, curve } = await train({ maxSteps: 9 });
    expect(steps.length).toBe(9);
    expect(epochs.map((e) => e.epoch)).toEqual([1, 2]);
    expect(epochs[1]!.testAcc).not.toBeNull();
    expect(curve.at(-1)!.epoch).toBeCloseTo(1 + 2 / 7, 12);
  });

  it("tests nothing where there is nothing to test with", async () => {
    const { epochs } = await train({ test: loader(0, 8), epochs: 1 });
    expect(epochs[0]).toMatchObject({ testLoss: null, testAcc: null });
  });

  it("refuses numbers outside their range", async () => {
    await expect(train({ epochs: 0 })).rejects.toThrow(
      new ArgumentError("fit", "epochs must be a whole number, at least 1; got 0"),
    );
    await expect(train({ maxSteps: 1.5 })).rejects.toThrow("maxSteps must be a whole number");
    await expect(train({ train: loader(0, 8) })).rejects.toThrow("nothing to train with");
  });

  it("stops between two steps when the signal says so", async () => {
    const controller = new AbortController();
    const onStep = () => controller.abort(new Error("stopped by hand"));
    await expect(train({ onStep, signal: controller.signal })).rejects.toThrow("stopped by hand");
  });
});
