// From what the processes of a benchmark answer to what is said of it: medians, and ratios where two ran with
// the same number of threads. Pure functions; run.mjs measures.

/** What is compared: how it is called, and whether more is better. */
export const measures = {
  trainExamplesPerSecond: { label: "training, × PyTorch", higherIsBetter: true },
  inferExamplesPerSecond: { label: "inference, × PyTorch", higherIsBetter: true },
  batch1Milliseconds: { label: "latency of one image, × PyTorch", higherIsBetter: false },
  peakRssBytes: { label: "peak memory, × PyTorch", higherIsBetter: false },
};
const names = Object.keys(measures);

/** The middle value, or the mean of the two in the middle; null if there is none. */
export function median(values) {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
}

/** The medians of several answers to the same task. */
export function medianOf(runs) {
  const [first] = runs;
  for (const run of runs) checkSame(first, run);
  return {
    threads: first.threads,
    ...Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]))])),
  };
}

/**
 * Each measure of one over that of the other; null for what one of them cannot do. Throws where they ran with
 * different numbers of threads, which compares nothing.
 */
export function ratioOf(one, other) {
  checkSame(one, other);
  const ratio = (a, b) => (a === null || b === null ? null : a / b);
  return Object.fromEntries(names.map((name) => [name, ratio(one[name], other[name])]));
}

function checkSame(one, other) {
  if (one.threads === other.threads) return;
  throw new Error(
    `runs with ${one.threads} and with ${other.threads} threads are not compared; give both the same --threads`,
  );
}

/**
 * What earlier results keep beside new ones: their other networks. Throws if they were measured otherwise, so
 * that a file never holds figures that do not compare.
 */
export function merged(earlier, now) {
  if (!earlier) return now;
  for (const fact of ["threads", "isa", "cpu"]) {
    if (earlier[fact] === now[fact]) continue;
    const shown = ({ [fact]: value }) => value ?? "the machine's best";
    throw new Error(
      `there are results with ${fact} ${shown(earlier)}, and these are with ${shown(now)}: they are not ` +
        "compared; write these to another file with --out, or remove the other one",
    );
  }
  return { ...now, networks: { ...earlier.networks, ...now.networks } };
}

/** "3 rounds", or "3 to 11 rounds" where networks were measured at different times. */
export function roundsInWords({ networks, rounds }) {
  const counts = Object.values(networks).map(
    ({ results }) => results?.fovea?.runs?.length ?? rounds,
  );
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return `${least === most ? most : `${least} to ${most}`} ${most === 1 ? "round" : "rounds"}`;
}

/** Rows of a table: a network, then each ratio to PyTorch. */
export function tableOf({ networks }) {
  return Object.entries(networks).flatMap(([name, { batchSize, input, results }]) =>
    Object.entries(results).map(([peer, { medians, ratio, reasons }]) => [
      name,
      `${batchSize} of ${input.join("×")}`,
      peer,
      ...names.map((measure) => shown(measure, medians, ratio)),
      Object.entries(reasons ?? {})
        .map(([what, reason]) => `${what}: ${reason}`)
        .join("; "),
    ]),
  );
}

/** "61.2 (3.29×)": the median, and its ratio to PyTorch's. */
function shown(measure, medians, ratio) {
  const value = medians?.[measure] ?? null;
  if (value === null) return "–";
  const scaled = measure === "peakRssBytes" ? value / 1e9 : value;
  const digits = scaled < 10 ? 2 : scaled < 1000 ? 1 : 0;
  const times = ratio?.[measure];
  return scaled.toFixed(digits) + (times == null ? "" : ` (${times.toFixed(2)}×)`);
}

/** One answer in words. */
export const shortly = ({ trainExamplesPerSecond, inferExamplesPerSecond, batch1Milliseconds }) =>
  `${roughly(trainExamplesPerSecond)} trained and ${roughly(inferExamplesPerSecond)} inferred a second, ` +
  `one image in ${roughly(batch1Milliseconds)} ms`;
const roughly = (value) => (value === null ? "none" : value.toPrecision(4));
