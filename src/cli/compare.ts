// fovea compare: the curves of several runs in one figure, and their figures in a table. What a run's
// metrics are, src/look says.

import { basename, resolve, sep } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { writeFileAtomic } from "../formats/files.js";
import { shownValue } from "../look/charts/chart.js";
import { drawComparison } from "../look/charts/comparison.js";
import { checkRun } from "../look/load.js";
import { keptEpoch, type Metrics, rateOf, readMetrics } from "../look/metrics.js";
import { duration, grouped } from "../look/numbers.js";
import { batchesOf, dataTitle, epochsAwaited, settingsOf } from "../look/report/settings.js";
import { models } from "../models/index.js";
import { type RunConfig, readRunConfig } from "../train/config.js";
import { note, print } from "./print.js";
import { table } from "./text.js";

interface Options {
  readonly out: string;
  readonly json?: boolean;
}

export function compareCommand(): Command {
  return new Command("compare")
    .description("compare runs: their curves in one figure, their figures in a table")
    .argument("<run...>", "folders that fovea train wrote with --out")
    .option("--out <file>", "the figure, .svg", svgFile, "compare.svg")
    .option("--json", "the table for programs")
    .addHelpText(
      "after",
      "\nLosses and accuracies are those of the epoch whose weights the run keeps: the best on the\nvalidation images, or the last. Runs that are under way can be compared, too.",
    )
    .action(compare);
}

function svgFile(text: string): string {
  if (/\.svg$/i.test(text)) return text;
  throw new InvalidArgumentError("Expected a name that ends in .svg.");
}

async function compare(folders: readonly string[], { out, json }: Options): Promise<void> {
  const names = shortNames(folders);
  const runs: { name: string; folder: string; config: RunConfig; metrics: Metrics }[] = [];
  for (const [i, folder] of folders.entries()) {
    await checkRun(folder);
    const config = await readRunConfig(folder);
    const metrics = await readMetrics(folder, batchesOf(config));
    runs.push({ name: names[i]!, folder, config, metrics });
  }
  for (const { folder, metrics } of runs) {
    if (metrics.cutOff)
      note(`${folder}: the last line of metrics.jsonl is cut off; it is left out`);
    if (metrics.epochs.length === 0) note(`${folder}: no epoch has ended yet`);
  }
  const results = runs.map(({ folder, config, metrics }) => resultOf(folder, config, metrics));
  const figure = runs.map(({ name, metrics }) => ({ name, learning: metrics }));
  await writeFileAtomic(out, [Buffer.from(await drawComparison(figure))]);
  const lines = json ? [JSON.stringify(results)] : asText(names, results);
  print(lines.join("\n"));
  note(`wrote ${out}`);
}

type Result = ReturnType<typeof resultOf>;

/**
 * A run in figures; null for what was not measured. `awaitedEpochs` are those that are planned of a run
 * that has not come to its end, null of any other.
 */
function resultOf(run: string, config: RunConfig, metrics: Metrics) {
  const { epochs } = metrics;
  const { optimizer = null, lr = null } = settingsOf(config);
  const kept = keptEpoch(epochs);
  const tested = epochs.flatMap(({ testAcc }) => (testAcc === null ? [] : [testAcc]));
  return {
    run,
    model: config.model,
    data: config.data,
    epochs: epochs.length,
    keptEpoch: kept?.epoch ?? null,
    awaitedEpochs: epochsAwaited(config, metrics) ?? null,
    optimizer,
    lr,
    batchSize: config.batchSize,
    seed: config.seed,
    trainLoss: kept?.trainLoss ?? null,
    trainAcc: kept?.trainAcc ?? null,
    valLoss: kept?.valLoss ?? null,
    valAcc: kept?.valAcc ?? null,
    testLoss: kept?.testLoss ?? null,
    testAcc: kept?.testAcc ?? null,
    bestTestAcc: tested.length > 0 ? Math.max(...tested) : null,
    seconds: epochs.reduce((sum, { seconds }) => sum + seconds, 0),
    examplesPerSecond: epochs.length > 0 ? rateOf(metrics) : null,
    parameters: parametersOf(config),
  };
}

/** null for a network that is none of Fovea's, or is built otherwise by now. */
function parametersOf({ model, network }: RunConfig): number | null {
  if (!Object.hasOwn(models, model)) return null;
  const { dropout: _, ...shape } = network;
  try {
    const net = models[model]!.build(shape);
    return [...net.parameters()].reduce((sum, p) => sum + p.numel(), 0);
  } catch {
    return null;
  }
}

interface Column {
  readonly head: string;
  readonly right?: boolean;
  readonly cell: (result: Result) => string | null;
}

const share = (value: number | null): string | null => (value === null ? null : shownValue(value));

const columns: readonly Column[] = [
  { head: "network", cell: ({ model }) => model },
  { head: "data", cell: ({ data }) => dataTitle(data) },
  { head: "optimizer", cell: ({ optimizer }) => optimizer },
  { head: "lr", right: true, cell: ({ lr }) => lr?.toString() ?? null },
  {
    head: "epoch",
    right: true,
    cell: ({ keptEpoch, epochs }) =>
      keptEpoch === null || keptEpoch === epochs ? String(epochs) : `${keptEpoch}/${epochs}`,
  },
  {
    head: "not finished",
    cell: ({ epochs, awaitedEpochs: planned }) =>
      planned === null ? null : `${epochs} of ${planned} epochs`,
  },
  { head: "loss", right: true, cell: ({ trainLoss }) => share(trainLoss) },
  { head: "train acc", right: true, cell: ({ trainAcc }) => share(trainAcc) },
  { head: "val acc", right: true, cell: ({ valAcc }) => share(valAcc) },
  { head: "test acc", right: true, cell: ({ testAcc }) => share(testAcc) },
  { head: "best test", right: true, cell: ({ bestTestAcc }) => share(bestTestAcc) },
  { head: "time", right: true, cell: ({ seconds }) => duration(seconds) },
  {
    head: "ex/s",
    right: true,
    cell: ({ examplesPerSecond: rate }) =>
      rate === null ? null : rate < 100 ? rate.toFixed(1) : grouped(Math.round(rate)),
  },
  {
    head: "parameters",
    right: true,
    cell: ({ parameters }) => (parameters === null ? null : grouped(parameters)),
  },
];

/** A row a run; a column of which nothing is known is left out. */
function asText(names: readonly string[], results: readonly Result[]): string[] {
  const shown = columns.filter(({ cell }) => results.some((result) => cell(result) !== null));
  const right = new Set(shown.flatMap((column, i) => (column.right ? [i + 1] : [])));
  const rows = results.map((result, i) => [
    names[i]!,
    ...shown.map(({ cell }) => cell(result) ?? "–"),
  ]);
  return table(["run", ...shown.map(({ head }) => head)], rows, right);
}

/** The folders' own names; where two are equal, with as much of their paths as tells them apart. */
export function shortNames(folders: readonly string[]): string[] {
  const paths = folders.map((folder) => resolve(folder).split(sep));
  const nameOf = (path: readonly string[], parts: number) => path.slice(-parts).join("/");
  return paths.map((path, i) => {
    for (let parts = 1; parts < path.length; parts++) {
      const name = nameOf(path, parts);
      if (paths.every((other, j) => j === i || nameOf(other, parts) !== name)) return name;
    }
    return basename(folders[i]!);
  });
}
