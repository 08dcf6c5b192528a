import { describe, expect, it } from "vitest";
import type { Peaks } from "../../backends/backend.js";
import { manualSeed, nn, openReference, optim, setBackend, zeros } from "../../index.js";
import type { ExplainedCall } from "../../plan/explain.js";
import { trainStep } from "../../train/steps.js";
import { profileStep } from "./profile.js";
import { median, profiled, roofOf, totalOf, totals } from "./roofline.js";
import { traceOf } from "./trace.js";

const peaks: Peaks = { flops: 100e9, bytesPerSecond: 10e9 };

/** A convolution of 2 GFLOP, half of which an algorithm saves, and a copy of 20 MB. */
const conv: ExplainedCall = {
  kernel: "conv2d",
  origin: { layer: "features.0", pass: "forward" },
  algorithm: "winograd6",
  shapes: "1×1×1×1 ⋆ 1×1 → 1×1×1",
  gflop: 2,
  gflopDone: 1,
  bytes: 1e6,
};
const copy: ExplainedCall = {
  kernel: "elementwise",
  origin: { layer: "", pass: "update" },
  algorithm: "copy",
  shapes: "5000000",
  gflop: 0,
  gflopDone: 0,
  bytes: 20e6,
};

describe("the roof", () => {
  it("is what takes longer at the peak: the operations that are really done, or the bytes", () => {
    expect(roofOf(conv, peaks)).toEqual({ bound: "compute", seconds: 0.01 });
    expect(roofOf(copy, peaks)).toEqual({ bound: "memory", seconds: 0.002 });
    // 0.1 ms to move is less than 0.2 ms to compute
    const both = { ...conv, gflopDone: 0.02 };
    expect(roofOf(both, peaks)).toEqual({ bound: "compute", seconds: 0.0002 });
  });
});

describe("profiled calls", () => {
  const runs = [
    [0.02, 0.004],
    [0.5, 0.005],
    [0.016, 0.003],
  ];

  it("take the median of their times, and shares of the sum", () => {
    const [first, second] = profiled([conv, copy], runs, peaks);
    expect(first).toMatchObject({ ...conv, seconds: 0.02, roof: { bound: "compute" } });
    expect(first!.share).toBeCloseTo(20 / 24, 12);
    expect(second).toMatchObject({ seconds: 0.004, roof: { bound: "memory", seconds: 0.002 } });
    expect(profiled([conv], [[1]])[0]).not.toHaveProperty("roof");
  });

  it("add up by name, what takes longest first", () => {
    const calls = profiled([copy, conv, copy], [[0.004, 0.02, 0.001]], peaks);
    const [kernel, other] = totals(calls, (call) => call.kernel);
    expect(kernel).toMatchObject({ name: "conv2d", calls: 1, seconds: 0.02, ofRoof: 0.5 });
    expect(other).toMatchObject({ name: "elementwise", calls: 2, bytes: 40e6 });
    expect(other!.seconds).toBeCloseTo(0.005, 12);
    expect(other!.ofRoof).toBeCloseTo(0.004 / 0.005, 12);
    expect(totalOf("all", calls)).toMatchObject({ calls: 3, gflop: 2, gflopDone: 1, share: 1 });
  });

  it("have a middle even if there are two", () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])]).toEqual([2, 2.5, 7]);
  });
});

describe("a trace", () => {
  const calls = profiled([conv, copy], [[0.02, 0.004]], peaks);
  const profile = { stepSeconds: 0.025, steps: 1, peaks, arenaBytes: 0, calls };
  const { traceEvents, displayTimeUnit } = JSON.parse(traceOf(profile, "a title"));

  it("names its process and a track for each pass", () => {
    expect(displayTimeUnit).toBe("ms");
    const names = traceEvents.filter((event: { ph: string }) => event.ph === "M");
    expect(names.map((event: { args: { name?: string } }) => event.args.name)).toEqual([
      "a title",
      "forward",
      undefined,
      "backward",
      undefined,
      "update",
      undefined,
    ]);
  });

  it("has the calls one after the other, in microseconds", () => {
    expect(traceEvents.filter((event: { ph: string }) => event.ph === "X")).toEqual([
      {
        name: "features.0 conv2d",
        cat: "conv2d",
        ph: "X",
        ts: 0,
        dur: 20_000,
        pid: 1,
        tid: 0,
        args: {
          algorithm: "winograd6",
          shapes: conv.shapes,
          GFLOP: 2,
          "GFLOP/s": 100,
          "GFLOP done": 1,
          MB: 1,
          "GB/s": 0.05,
          bound: "compute",
          "% of roof": 50,
        },
      },
      expect.objectContaining({ name: "elementwise", ts: 20_000, dur: 4000, tid: 2 }),
    ]);
  });
});

describe("profileStep", () => {
  it("measures every call of the step that runs, and the steps train", async () => {
    const backend = openReference();
    setBackend(backend);
    manualSeed(0);
    const net = new nn.Sequential(new nn.Linear(4, 3), new nn.Tanh(), new nn.Linear(3, 2));
    const weights = async () => [...(await net.stateDict().get("0.weight")!.data())];
    const before = await weights();
    const step = trainStep(net, new optim.SGD(net.parameters(), { lr: 0.1 }));
    const args = [zeros([2, 4]).add(1), zeros([2], "i32")] as [ReturnType<typeof zeros>, never];
    const profile = await profileStep(step, args, { backend, steps: 3 });
    const planned = step.plan(...args).calls;
    expect(profile.calls.map(({ kernel, origin }) => [kernel, origin])).toEqual(
      planned.map(({ kernel, origin }) => [kernel, origin]),
    );
    expect(profile.steps).toBe(3);
    expect(profile.stepSeconds).toBeGreaterThan(0);
    expect(profile.peaks).toBeUndefined(); // the reference knows of no machine
    expect(await weights()).not.toEqual(before);
  });
});
