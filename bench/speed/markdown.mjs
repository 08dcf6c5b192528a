// The results of `npm run bench` as Markdown, for docs/performance.md: a table of all networks, and where the time
// of each one's step goes.
//
//   node bench/speed/markdown.mjs [bench/results/speed.json]

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { roundsInWords, tableOf } from "./summary.mjs";

/** The whole text. */
export function asMarkdown(results) {
  const { cpu, threads, isa, date, versions, firstStep } = results;
  const facts =
    `${date}, ${cpu}, ${threads} ${threads === 1 ? "thread" : "threads"}${isa ? `, ${isa}` : ""}; ` +
    `Fovea ${versions.fovea}, Node ${versions.node}, PyTorch ${versions.torch}; medians of ` +
    `${roundsInWords(results)}, in brackets × PyTorch.`;
  const head = [
    "network",
    "batch",
    "",
    "training, images/s",
    "inference, images/s",
    "one image, ms",
    "peak, GB",
    "",
  ];
  const parts = [facts, rows(head, tableOf(results))];
  if (firstStep) {
    const { fovea, torch } = firstStep.medians;
    parts.push(
      `From the start of a process to the first trained step of LeNet: ${fovea.toFixed(2)} s, PyTorch ` +
        `${torch.toFixed(2)} s (${firstStep.ratio.toFixed(2)}×).`,
    );
  }
  for (const [name, { profile }] of Object.entries(results.networks)) {
    if (profile) parts.push(`## ${name}`, profileText(profile));
  }
  return `${parts.join("\n\n")}\n`;
}

function profileText({ stepSeconds, peaks, calls }) {
  const head = ["layer", "pass", "kernel", "shapes", "ms", "share", "GFLOP/s", "of roof", "bound"];
  const body = calls.map(({ origin, kernel, algorithm, shapes, seconds, share, gflop, roof }) => [
    origin?.layer ?? "",
    origin?.pass ?? "",
    kernel,
    `${shapes}${algorithm === "" ? "" : `, ${algorithm}`}`,
    (1000 * seconds).toFixed(seconds < 0.01 ? 2 : 1),
    percent(share),
    (gflop / seconds).toFixed(1),
    roof ? percent(roof.seconds / seconds) : "",
    roof?.bound ?? "",
  ]);
  const roofs = peaks
    ? ` under peaks of ${(peaks.flops / 1e9).toFixed(0)} GFLOP/s and ${(peaks.bytesPerSecond / 1e9).toFixed(1)} GB/s`
    : "";
  return `A training step of ${(1000 * stepSeconds).toFixed(1)} ms${roofs}:\n\n${rows(head, body)}`;
}

const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}%`;

const rows = (head, body) =>
  [head, head.map(() => "---"), ...body]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const own = new URL("../results/speed.json", import.meta.url);
  process.stdout.write(asMarkdown(JSON.parse(readFileSync(process.argv[2] ?? own, "utf8"))));
}
