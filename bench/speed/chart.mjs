// The results as a picture: for each network, what Fovea reaches as a multiple of PyTorch, in bars, with a line
// where both would be equal. Text alone, the same each time.

import { colors } from "../../dist/look/charts/chart.js";
import { element, number, svgDocument, text } from "../../dist/look/draw/svg.js";
import { measures, roundsInWords } from "./summary.mjs";

const panel = { width: 300, left: 110, right: 70, gap: 26, bar: 16, row: 26, top: 64 };

/** An SVG document of results as run.mjs writes them. */
export function drawSpeed(results) {
  const networks = Object.entries(results.networks).filter(([, { results: r }]) => r.fovea?.ratio);
  const names = Object.keys(measures);
  const height = panel.row * networks.length;
  const panels = names.map((name, i) => {
    const x = (i % 2) * (panel.left + panel.width + panel.right);
    const y = panel.top + Math.floor(i / 2) * (height + 64);
    const move = `translate(${number(x)} ${number(y)})`;
    return element("g", { transform: move }, ...panelOf(name, networks, height));
  });
  const { cpu, threads, isa, versions } = results;
  const facts =
    `${cpu}, ${threads} ${threads === 1 ? "thread" : "threads"}${isa ? `, ${isa}` : ""}; ` +
    `PyTorch ${versions.torch}; medians of ${roundsInWords(results)}`;
  const title = "Fovea beside PyTorch";
  return svgDocument(
    {
      width: 2 * (panel.left + panel.width + panel.right),
      height: panel.top + 2 * (height + 64),
      title,
    },
    [
      text(title, 20, 28, { size: 17, weight: "bold", anchor: "start" }),
      text(facts, 20, 46, { size: 12, fill: colors.grey, anchor: "start" }),
      ...panels,
    ],
  );
}

function panelOf(name, networks, height) {
  const { label, higherIsBetter } = measures[name];
  const values = networks.map(([, { results }]) => results.fovea.ratio[name]);
  const most = Math.max(1, ...values.filter((value) => value !== null));
  const scale = panel.width / most;
  const one = panel.left + scale;
  const rows = networks.flatMap(([network, { batchSize }], i) => {
    const y = 24 + i * panel.row;
    const value = values[i];
    const named = text(`${network} (${batchSize})`, panel.left - 8, y + 12, {
      size: 12,
      anchor: "end",
    });
    if (value === null) return [named];
    const better = higherIsBetter ? value >= 1 : value <= 1;
    const bar = element("rect", {
      x: panel.left,
      y,
      width: value * scale,
      height: panel.bar,
      fill: better ? colors.blue : colors.vermilion,
    });
    const end = panel.left + value * scale;
    const clear = end < one && one < end + 40 ? one : end; // of the line
    const shown = text(`${value.toFixed(2)}×`, clear + 6, y + 12, { size: 12, anchor: "start" });
    return [named, bar, shown];
  });
  const line = element("line", {
    x1: one,
    x2: one,
    y1: 18,
    y2: 24 + height,
    stroke: colors.black,
    "stroke-dasharray": "3 3",
  });
  const head = `${label} (${higherIsBetter ? "more" : "less"} is better)`;
  return [text(head, panel.left, 10, { size: 13, weight: "bold", anchor: "start" }), ...rows, line];
}
