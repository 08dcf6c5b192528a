// A run as one page: report.html, which needs nothing but itself. What it says comes from the run's
// folder and from looking at its network; how it is laid out is here, how it looks is style.ts's.

import { summarize } from "../../nn/index.js";
import { drawCurves } from "../charts/curves.js";
import type { Classifier } from "../classifier.js";
import { drawNetwork } from "../draw/index.js";
import type { Metrics } from "../metrics.js";
import { grouped } from "../numbers.js";
import { drawFilters, filtersInWords, firstConvolution } from "../sheets/filters.js";
import { commandOf, shellLine } from "./command.js";
import { configurationOf } from "./configuration.js";
import { headline } from "./headline.js";
import { Html, html } from "./html.js";
import { figure, heading, note, section, table } from "./parts.js";
import { epochsAwaited, runTitle } from "./settings.js";
import { style } from "./style.js";
import { type Tested, testing } from "./testing.js";

export interface ReportSubject {
  readonly model: Classifier;
  readonly metrics: Metrics;
  /** undefined: nothing was tested. */
  readonly tested: Tested | undefined;
}

/**
 * The report of a run.
 *
 * @returns An HTML document without a script and without anything from elsewhere.
 */
export async function drawReport({ model, metrics, tested }: ReportSubject): Promise<string> {
  const title = runTitle(model.config);
  const sections = [
    await learning(metrics),
    ...(await testing(model, tested)),
    await filters(model),
    configuration(model),
    layers(model),
  ];
  const page = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${unfinished(model, metrics)}${headline(model, metrics)}
</header>
<main>
${sections}
</main>
</body>
</html>
`;
  return page.text;
}

function unfinished({ config }: Classifier, metrics: Metrics): Html {
  const planned = epochsAwaited(config, metrics);
  if (planned === undefined) return html``;
  const done = grouped(metrics.epochs.length);
  return note(`Not finished: ${done} of ${grouped(planned)} epochs are done.`);
}

async function learning(metrics: Metrics): Promise<Html> {
  const cut = metrics.cutOff
    ? [note("The last line of metrics.jsonl is cut off; it is left out here.")]
    : [];
  const shown =
    metrics.curve.length === 0 ? note("No step was logged.") : figure(await drawCurves(metrics));
  return section("Learning", shown, ...cut);
}

async function filters({ network }: Classifier): Promise<Html> {
  const title = "Filters of the first convolution";
  if (!firstConvolution(network)) return section(title, note("The network has no convolution."));
  return section(title, note(`${filtersInWords(network)}.`), figure(await drawFilters(network)));
}

function configuration({ config }: Classifier): Html {
  const groups = configurationOf(config).map(({ title, rows }) => {
    const cells = rows.map(
      ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`,
    );
    return html`<div>${heading(title)}<table><tbody>\n${cells}</tbody></table></div>\n`;
  });
  return section(
    "Configuration",
    html`<div class="groups">\n${groups}</div>\n`,
    heading("To repeat the run"),
    html`<pre><code>${shellLine(commandOf(config))}</code></pre>\n`,
  );
}

/** Last, because of a deep network it is long. */
function layers({ network, config }: Classifier): Html {
  const input = [1, config.network.inChannels, ...config.network.inputSize];
  const summary = summarize(network, input);
  const rows = summary.layers.map(({ name, type, outputShape, parameters, macs }) => [
    name,
    type,
    outputShape.slice(1).join("×"),
    grouped(parameters),
    grouped(macs),
  ]);
  const total = ["total", "", "", grouped(summary.parameters), grouped(summary.macs)];
  const head = ["layer", "type", "output", "parameters", "multiply-adds"];
  const drawing = drawNetwork(network, input, { title: config.model });
  const both = [table(head, [...rows, total], 3), figure(drawing)];
  return section("Network", html`<div class="beside">\n${both}</div>\n`);
}
