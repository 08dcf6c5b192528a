import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { fovea, temporaryFolder } from "./run.js";

const at = temporaryFolder();
const small = ["profile", "lenet", "--batch-size", "8", "--steps", "2", "--threads", "1"];

describe("fovea profile", () => {
  it("prints the calls that take longest, and totals by kernel and pass", async () => {
    const { code, out, err } = await fovea(small);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(
      /^lenet, training step, batch 8 of 1×28×28, native (avx512|avx2|portable), 1 thread$/,
    );
    expect(lines[1]).toMatch(
      /^a step takes [\d.]+ ms \(the median of 2\): \d+ examples\/s; its kernels, one by one, [\d.]+ ms; [\d.]+ kB of intermediate values$/,
    );
    expect(lines[2]).toMatch(/^the machine's peaks, measured: \d+ GFLOP\/s, [\d.]+ GB\/s$/);
    expect(lines[4]).toMatch(
      /^layer +pass +kernel +shapes +ms +share +GFLOP\/s .*GB\/s +bound +of roof$/,
    );
    expect(out).toMatch(/\n0 +forward +conv2d: .* 8×1×28×28 ⋆ 5×5 → 6×28×28 .* \d+(\.\d+)?%\n/);
    expect(out).toMatch(/\n +\d+ calls +[\d.]+ +100% /);
    for (const pass of ["forward", "backward", "update"])
      expect(out).toMatch(new RegExp(`\\n${pass} +\\d+ +[\\d.]+ +[\\d.]+%`));
  });

  it("gives every call as JSON, and the step as a trace", async () => {
    const file = at("trace.json");
    const { code, out, err } = await fovea([...small, "--infer", "--json", "--trace", file]);
    expect({ code, err }).toEqual({ code: 0, err: `wrote ${file}\n` });
    const profile = JSON.parse(out);
    expect(profile).toMatchObject({
      model: "lenet",
      step: "inference",
      batchSize: 8,
      input: [1, 28, 28],
      threads: 1,
      steps: 2,
      peaks: { flops: expect.any(Number), bytesPerSecond: expect.any(Number) },
      passes: [{ name: "forward", calls: profile.calls.length }],
    });
    const { calls } = profile;
    expect(calls[0]).toMatchObject({
      kernel: "conv2d",
      origin: { layer: "0", pass: "forward" },
      seconds: expect.any(Number),
      roof: { bound: expect.stringMatching(/^(compute|memory)$/), seconds: expect.any(Number) },
    });
    expect(calls.reduce((sum: number, call: { share: number }) => sum + call.share, 0)).toBeCloseTo(
      1,
      9,
    );
    const { traceEvents } = JSON.parse(await readFile(file, "utf8"));
    const shown = traceEvents.filter((event: { ph: string }) => event.ph === "X");
    expect(shown.map((event: { cat: string }) => event.cat)).toEqual(
      calls.map((call: { kernel: string }) => call.kernel),
    );
  });

  it("takes the optimizer and the instruction set that are asked for", async () => {
    const computed = async (...args: string[]) => {
      const { out } = await fovea([...small, "--isa", "portable", "--json", ...args]);
      const { backend, calls } = JSON.parse(out);
      expect(backend).toBe("native portable, 1 thread");
      return calls.map((call: { algorithm: string }) => call.algorithm).join(" ");
    };
    expect(await computed()).not.toContain("sqrt");
    expect(await computed("--optimizer", "adam")).toContain("sqrt");
  });

  it("shows all calls on demand", async () => {
    const { out } = await fovea([...small, "--all"]);
    const [, calls] = /\n +(\d+) calls /.exec(out)!;
    expect(out).not.toContain("others");
    const rows = out.split("\n\n")[1]!.split("\n");
    expect(rows).toHaveLength(2 + Number(calls) + 1);
  });

  it.each([
    [["profile", "lenett"], 2, 'there is no model "lenett"; did you mean "lenet"?'],
    [
      [...small, "--isa", "sse9"],
      2,
      "option '--isa <name>' argument 'sse9' is invalid. Allowed choices are avx512, avx2, portable.",
    ],
    [
      [...small, "--backend", "reference", "--isa", "avx2"],
      2,
      "--isa is for --backend native: the reference has no instruction sets",
    ],
    [
      ["profile", "lenet", "--backend", "reference", "--threads", "2"],
      2,
      "--threads is for --backend native: the reference computes on one",
    ],
  ])("says what is wrong with %j", async (args, code, message) => {
    expect(await fovea(args)).toEqual({ code, out: "", err: `error: ${message}\n` });
  });
});
