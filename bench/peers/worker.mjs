// What the peers' processes share: a JSON task as argument, a line of JSON as answer, as src/cli/bench-worker.ts
// has it. A peer that is much slower measures fewer images, and says so; what it cannot do is null, with the
// reason that it gives.

import { readFileSync } from "node:fs";

/** Seconds that a peer may take for one batch; of more images than fit in, fewer are measured. */
const budget = 30;

/**
 * Measures a peer in the order of all workers: training, inference, one image. `open(task)` gives
 * `{ threads, train(batch), infer(batch) }`, functions that prepare a batch and give what runs it once; either
 * may throw.
 */
export async function serve(open) {
  const task = JSON.parse(process.argv[2]);
  const peer = await open(task);
  const reasons = {};
  const attempt = async (what, work) => {
    try {
      return await work();
    } catch (error) {
      reasons[what] = String(error?.message ?? error)
        .split("\n")[0]
        .slice(0, 300);
      return null;
    }
  };
  const rateOf = async (what, prepare, steps) => {
    const one = await timed(await prepare(1), 1);
    const batch = Math.max(1, Math.min(task.batchSize, 2 ** Math.floor(Math.log2(budget / one))));
    if (batch < task.batchSize) reasons[what] = `measured with a batch of ${batch}`;
    return batch / (batch === 1 ? one : await timed(await prepare(batch), steps));
  };
  const train = await attempt("training", () => {
    if (!peer.train) throw new Error("it only infers");
    return rateOf("training", peer.train, task.steps);
  });
  const infer = await attempt("inference", () => rateOf("inference", peer.infer, 3));
  const single = await attempt(
    "latency",
    async () => 1000 * (await timed(await peer.infer(1), 20)),
  );
  const answer = {
    model: task.model,
    batchSize: task.batchSize,
    threads: peer.threads,
    trainExamplesPerSecond: train,
    inferExamplesPerSecond: infer,
    batch1Milliseconds: single,
    peakRssBytes: peak(),
    reasons,
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  process.exit(0);
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
