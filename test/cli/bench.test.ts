import { describe, expect, it } from "vitest";
import { fovea, hasTorch } from "./run.js";

const small = ["bench", "lenet", "--batch-size", "32", "--steps", "2", "--threads", "1"];
const measures = [
  "trainExamplesPerSecond",
  "inferExamplesPerSecond",
  "batch1Milliseconds",
  "peakRssBytes",
];
const keys = ["model", "batchSize", "threads", ...measures];

describe("fovea bench", () => {
  it("measures speed and memory", async () => {
    const { code, out, err } = await fovea([...small, "--json"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const result = JSON.parse(out);
    expect(Object.keys(result)).toEqual(keys);
    expect(result).toMatchObject({ model: "lenet", batchSize: 32, threads: 1 });
    for (const name of measures) expect(result[name]).toBeGreaterThan(0);
    expect(result.peakRssBytes).toBeGreaterThan(20e6);
  });

  it("measures with the instruction set that is asked for", async () => {
    const { code, out } = await fovea([...small, "--isa", "portable", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out).trainExamplesPerSecond).toBeGreaterThan(0);
    const { code: failed, err } = await fovea([...small, "--isa", "sse9"]);
    expect(failed).toBe(2);
    expect(err).toBe(
      "error: option '--isa <name>' argument 'sse9' is invalid. Allowed choices are avx512, avx2, portable.\n",
    );
  });

  it("prints a table for people", async () => {
    const { out } = await fovea(small);
    expect(out).toMatch(/^lenet, batch 32 of 1×28×28, 1 thread\n/);
    expect(out).toMatch(/\ntraining, examples\/sec +\d+\.\d\n/);
    expect(out).toMatch(/\npeak memory +\d+(\.\d+)? MB\n$/);
  });

  it.skipIf(!hasTorch())("does the same with PyTorch (needs python3-torch)", async () => {
    const { code, out, err } = await fovea([...small, "--against", "torch", "--json"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { fovea: ours, torch, ratio } = JSON.parse(out);
    expect(Object.keys(ours)).toEqual(keys);
    expect(Object.keys(torch)).toEqual(keys);
    expect(Object.keys(ratio)).toEqual(measures);
    for (const name of measures) expect(ratio[name]).toBeCloseTo(ours[name] / torch[name], 9);
  });
});
