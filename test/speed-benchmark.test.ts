// What `npm run bench` makes of what it measures, and what it asks of peers. Nothing is measured here.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { measure, torchEnvironment } from "../src/cli/bench-processes.js";
import { models, nn } from "../src/index.js";
import { root, run } from "./cli/run.js";

const load = (...path: string[]) => import(pathToFileURL(join(root, "bench", ...path)).href);
const { median, medianOf, merged, ratioOf, roundsInWords, tableOf } = await load(
  "speed",
  "summary.mjs",
);
const { asMarkdown } = await load("speed", "markdown.mjs");
const { drawSpeed } = await load("speed", "chart.mjs");
const peers = await load("peers", "describe.mjs");

const answer = (train: number | null, threads = 2) => ({
  model: "lenet",
  batchSize: 256,
  threads,
  trainExamplesPerSecond: train,
  inferExamplesPerSecond: 100,
  batch1Milliseconds: 2,
  peakRssBytes: 3e8,
});

describe("the summary of a benchmark", () => {
  it("takes medians, and ratios of medians", () => {
    const fovea = medianOf([answer(30), answer(90), answer(60)]);
    expect(fovea).toEqual({
      threads: 2,
      trainExamplesPerSecond: 60,
      inferExamplesPerSecond: 100,
      batch1Milliseconds: 2,
      peakRssBytes: 3e8,
    });
    const torch = { ...medianOf([answer(20), answer(10)]), batch1Milliseconds: 4 };
    expect(torch.trainExamplesPerSecond).toBe(15);
    expect(ratioOf(fovea, torch)).toEqual({
      trainExamplesPerSecond: 4,
      inferExamplesPerSecond: 1,
      batch1Milliseconds: 0.5,
      peakRssBytes: 1,
    });
  });

  it("has nothing to say of what cannot be done", () => {
    expect(median([null, null])).toBeNull();
    const inference = medianOf([answer(null)]);
    expect(inference.trainExamplesPerSecond).toBeNull();
    expect(ratioOf(inference, medianOf([answer(5)])).trainExamplesPerSecond).toBeNull();
  });

  it("refuses to compare runs with different numbers of threads", () => {
    const message = "runs with 2 and with 1 threads are not compared; give both the same --threads";
    expect(() => ratioOf(answer(1), answer(1, 1))).toThrow(message);
    expect(() => medianOf([answer(1), answer(1, 1)])).toThrow(message);
  });

  it("keeps the other networks of earlier results, if these were measured alike", () => {
    const earlier = { threads: 2, isa: null, cpu: "a", networks: { lenet: 1, nin: 2 } };
    const now = { ...earlier, rounds: 3, networks: { nin: 3 } };
    expect(merged(earlier, now).networks).toEqual({ lenet: 1, nin: 3 });
    expect(merged(undefined, now)).toBe(now);
    expect(() => merged(earlier, { ...now, threads: 1 })).toThrow(
      "there are results with threads 2, and these are with 1: they are not compared; write these to " +
        "another file with --out, or remove the other one",
    );
    expect(() => merged(earlier, { ...now, isa: "avx2" })).toThrow(
      "there are results with isa the machine's best, and these are with avx2: ",
    );
  });
});

describe("the results", () => {
  const fovea = medianOf([answer(60)]);
  const torch = medianOf([answer(20)]);
  const results = {
    cpu: 'A "fast" CPU',
    threads: 2,
    isa: "avx2",
    rounds: 3,
    versions: { torch: "1.13" },
    networks: {
      lenet: {
        batchSize: 256,
        input: [1, 28, 28],
        results: {
          fovea: { medians: fovea, ratio: ratioOf(fovea, torch) },
          torch: { medians: torch },
          peer: { reasons: { all: "it is not installed" } },
        },
      },
    },
  };

  it("are a table of what each reaches, with what it cannot do", () => {
    expect(tableOf(results)).toEqual([
      [
        "lenet",
        "256 of 1×28×28",
        "fovea",
        "60.0 (3.00×)",
        "100.0 (1.00×)",
        "2.00 (1.00×)",
        "0.30 (1.00×)",
        "",
      ],
      ["lenet", "256 of 1×28×28", "torch", "20.0", "100.0", "2.00", "0.30", ""],
      ["lenet", "256 of 1×28×28", "peer", "–", "–", "–", "–", "all: it is not installed"],
    ]);
  });

  it("are Markdown for a document, with where the time of a step goes", () => {
    const call = {
      kernel: "conv2d",
      origin: { layer: "0", pass: "forward" },
      algorithm: "direct",
      shapes: "1×1",
      seconds: 0.02,
      share: 0.5,
      gflop: 4,
      roof: { bound: "compute", seconds: 0.015 },
    };
    const peaks = { flops: 4e11, bytesPerSecond: 5e10 };
    const { lenet } = results.networks;
    const text = asMarkdown({
      ...results,
      date: "2026-01-02",
      versions: { fovea: "1", node: "20", torch: "1.13" },
      firstStep: { medians: { fovea: 0.5, torch: 2 }, ratio: 0.25 },
      networks: { lenet: { ...lenet, profile: { stepSeconds: 0.04, peaks, calls: [call] } } },
    });
    const lines = text.split("\n");
    expect(lines[0]).toBe(
      '2026-01-02, A "fast" CPU, 2 threads, avx2; Fovea 1, Node 20, PyTorch 1.13; medians of 3 rounds, in brackets × PyTorch.',
    );
    expect(lines).toContain(
      "| lenet | 256 of 1×28×28 | fovea | 60.0 (3.00×) | 100.0 (1.00×) | 2.00 (1.00×) | 0.30 (1.00×) |  |",
    );
    expect(text).toContain("first trained step of LeNet: 0.50 s, PyTorch 2.00 s (0.25×).");
    expect(text).toContain("A training step of 40.0 ms under peaks of 400 GFLOP/s and 50.0 GB/s:");
    expect(lines).toContain(
      "| 0 | forward | conv2d | 1×1, direct | 20.0 | 50% | 200.0 | 75% | compute |",
    );
  });

  it("say of how many rounds they are, where networks were measured at different times", () => {
    const { lenet } = results.networks;
    const of = (rounds: number) => ({
      ...lenet,
      results: { fovea: { ...lenet.results.fovea, runs: Array(rounds).fill(answer(60)) } },
    });
    expect(roundsInWords({ rounds: 3, networks: { lenet: of(11), nin: of(3) } })).toBe(
      "3 to 11 rounds",
    );
    expect(roundsInWords({ rounds: 3, networks: { lenet: of(1) } })).toBe("1 round");
  });

  it("are a picture, the same each time", () => {
    const svg = drawSpeed(results);
    expect(svg).toBe(drawSpeed(results));
    expect(svg).toContain(
      "A &quot;fast&quot; CPU, 2 threads, avx2; PyTorch 1.13; medians of 3 rounds",
    );
    expect(svg).toContain(">3.00×<");
    expect(svg.match(/<rect /g)).toHaveLength(1 + 4);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("the description of a network for peers", () => {
  it.each(["lenet", "alexnet", "vgg11", "vgg11-small", "nin", "googlenet"])(
    "has all parameters of %s, in order",
    (name) => {
      const net = models[name]!.build();
      const shapes = [...net.parameters()].map(({ shape }) => [...shape]);
      expect(peers.parametersOf(peers.describe(net))).toEqual(shapes);
    },
  );

  it("tells how windows lie, and what is beside what", () => {
    const net = new nn.Sequential(
      new nn.Conv2d(1, 2, [3, 5], { stride: 2, padding: [1, 2] }),
      new nn.AvgPool2d(2),
    );
    expect(peers.describe(net)).toEqual([
      {
        kind: "conv",
        inChannels: 1,
        outChannels: 2,
        kernel: [3, 5],
        stride: [2, 2],
        padding: [1, 2],
      },
      { kind: "pool", which: "avg", kernel: [2, 2], stride: [2, 2], padding: [0, 0] },
    ]);
    const layers: { kind: string; branches: unknown[] }[] = peers.describe(
      models.googlenet!.build(),
    );
    const inception = layers.find(({ kind }) => kind === "branches")!;
    expect(inception.branches.map((branch) => (branch as unknown[]).length)).toEqual([2, 4, 4, 3]);
    expect(() => peers.describe(new nn.Tanh())).toThrow(
      "the benchmark has no description of a Tanh",
    );
  });
});

describe("npm run bench", () => {
  const bench = (...args: string[]) => run(process.execPath, ["bench/run.mjs", ...args]);

  it.each([
    [
      ["--only", "lenet,resnet"],
      '--only knows no "resnet"; it knows alexnet, vgg11, vgg11-small, nin, googlenet, lenet',
    ],
    [["--rounds", "0"], "--rounds must be a whole number ≥ 1, got 0"],
    [["--without", "torch"], '--without knows no "torch"; it knows peers, start, profiles'],
  ])("refuses %j", async (args, message) => {
    const outcome = await bench(...args);
    expect(outcome).toEqual({ code: 2, out: "", err: `bench: ${message}\n` });
  });
});

describe("a process that measures", () => {
  const node = (script: string) => ({ command: process.execPath, args: ["-e", script] });

  it("is told its task, and answers with the last line that it prints", async () => {
    const echo = node("console.log('a greeting'); console.log(process.argv[1])");
    expect(await measure(echo, { model: "lenet" })).toEqual({ model: "lenet" });
  });

  it("counts for what it has answered when its time is over", async () => {
    // ended by itself, as it would be then
    const end = "process.kill(process.pid, 'SIGKILL')";
    const slow = node(`process.stdout.write('{"first":1}\\n{"half', () => ${end})`);
    expect(await measure(slow, {}, 600)).toEqual({ first: 1 });
    await expect(measure(node(end), {}, 600)).rejects.toThrow("bench: no answer within 600 s");
    await expect(measure(node(end), {})).rejects.toThrow("bench: ended with SIGKILL");
  });

  it("says why it cannot", async () => {
    const failing = node("console.error('error: no such network'); process.exit(1)");
    await expect(measure(failing, {})).rejects.toThrow("bench: no such network");
    await expect(measure({ command: "no-such-command", args: [] }, {})).rejects.toThrow(
      "bench: no-such-command: spawn no-such-command ENOENT",
    );
  });
});

describe("PyTorch's environment", () => {
  it("keeps it to threads, and to an instruction set on request", () => {
    expect(torchEnvironment({ threads: 2 })).toEqual({ OMP_NUM_THREADS: "2" });
    expect(torchEnvironment({ threads: 1, isa: "avx512" })).toEqual({ OMP_NUM_THREADS: "1" });
    expect(torchEnvironment({ threads: 1, isa: "avx2" })).toEqual({
      OMP_NUM_THREADS: "1",
      ONEDNN_MAX_CPU_ISA: "AVX2",
      DNNL_MAX_CPU_ISA: "AVX2",
      ATEN_CPU_CAPABILITY: "avx2",
      OPENBLAS_CORETYPE: "Haswell",
    });
  });
});
