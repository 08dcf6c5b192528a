// What the peers' processes share: a JSON task as argument, a line of JSON as answer, as src/cli/bench-worker.ts
// has it. A peer that is much slower measures fewer images, and says so; what it cannot do is null, with the
// reason that it gives.

import { readFileSync } from "node:fs";

/** Seconds that a peer may take for one batch; of more images than fit in, fewer are measured. */
const budget = 30;

/**
 * Measures a peer: one image, inference, training. `open(task)` gives `{ threads, train(batch), infer(batch) }`,
 * functions that prepare a batch and give what runs it once; either may throw. An answer is printed whenever
 * there is more to it than before: whoever ends this process knows what was measured by then.
 */
export async function serve(open) {
  const task = JSON.parse(process.argv[2]);
  const peer = await open(task);
  const results = { training: null, inference: null, latency: null };
  const reasons = Object.fromEntries(
    Object.keys(results).map((what) => [what, "it took longer than it was given"]),
  );
  const attempt = async (what, work) => {
    delete reasons[what];
    try {
      results[what] = await work();
    } catch (error) {
      reasons[what] = String(error?.message ?? error)
        .split("\n")[0]
        .slice(0, 300);
    }
    answer(task, peer, results, reasons);
    return results[what];
  };
  const rateOf = async (what, prepare, one, steps) => {
    const batch = Math.max(1, Math.min(task.batchSize, 2 ** Math.floor(Math.log2(budget / one))));
    if (batch < task.batchSize) reasons[what] = `measured with a batch of ${batch}`;
    return batch / (batch === 1 ? one : await timed(await prepare(batch), steps));
  };
  const single = await attempt("latency", async () => timed(await peer.infer(1), 20));
  await attempt("inference", () => {
    if (single === null) throw new Error(reasons.latency);
    return rateOf("inference", peer.infer, single, 3);
  });
  await attempt("training", async () => {
    if (!peer.train) throw new Error("it only infers");
    return rateOf("training", peer.train, await timed(await peer.train(1), 1), task.steps);
  });
  process.exit(0);
}

function answer({ model, batchSize }, { threads }, results, reasons) {
  const { training, inference, latency } = results;
  const line = JSON.stringify({
    model,
    batchSize,
    threads,
    trainExamplesPerSecond: training,
    inferExamplesPerSecond: inference,
    batch1Milliseconds: latency === null ? null : 1000 * latency,
    peakRssBytes: peak(),
    reasons,
  });
  process.stdout.write(`${line}\n`);
}

/** Seconds that the work takes: the median of at most `times` that fit into the budget, after a first one. */
async function timed(work, times) {
  await work();
  const seconds = [];
  const end = performance.now() + 1000 * budget;
  while (seconds.length === 0 || (seconds.length < times && performance.now() < end)) {
    const start = performance.now();
    await work();
    seconds.push((performance.now() - start) / 1000);
  }
  seconds.sort((a, b) => a - b);
  const half = (seconds.length - 1) / 2;
  return (seconds[Math.floor(half)] + seconds[Math.ceil(half)]) / 2;
}

/** The most memory that this process ever held. */
function peak() {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

/** Numbers of about the size of normalised pixels, or of initial weights. */
export function numbers(shape, scale = 1) {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) values[i] = scale * Math.sin(i);
  return values;
}

/** Initial weights of about the right size: of biases, 0. */
export const weights = (shape) =>
  numbers(shape, shape.length === 1 ? 0 : (shape.slice(1).reduce((a, b) => a * b) / 2) ** -0.5);
