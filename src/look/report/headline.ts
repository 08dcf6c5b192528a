// The figures that a report begins with.

import type { EpochRecord } from "../../train/history.js";
import { shownValue } from "../charts/chart.js";
import type { Classifier } from "../classifier.js";
import { keptEpoch, type Metrics, rateOf } from "../metrics.js";
import { duration, grouped } from "../numbers.js";
import { type Html, html } from "./html.js";

export function headline({ network }: Classifier, metrics: Metrics): Html {
  const { epochs } = metrics;
  const parameters = [...network.parameters()].reduce((sum, p) => sum + p.numel(), 0);
  const kept = keptEpoch(epochs);
  const ran = epochs.reduce((sum, { seconds }) => sum + seconds, 0);
  const accuracy = (name: string, value: number | null): [string, string][] =>
    value === null ? [] : [[name, value.toFixed(3)]];
  const figures: [string, string][] = [
    ...(kept
      ? [
          ...accuracy("test accuracy", kept.testAcc),
          ...accuracy("validation accuracy", kept.valAcc),
          ...accuracy("training accuracy", kept.trainAcc),
          [
            "training loss",
            Number.isFinite(kept.trainLoss) ? shownValue(kept.trainLoss) : "diverged",
          ] as [string, string],
          [kept.valAcc === null ? "epochs" : "epoch kept", epochsInWords(kept, epochs)] as [
            string,
            string,
          ],
          ["time", duration(ran)] as [string, string],
          ["examples/s", grouped(Math.round(rateOf(metrics)))] as [string, string],
        ]
      : []),
    ["parameters", grouped(parameters)],
  ];
  return html`<dl class="figures">\n${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}

const epochsInWords = ({ epoch, valAcc }: EpochRecord, epochs: readonly EpochRecord[]): string =>
  valAcc === null ? grouped(epochs.length) : `${epoch} of ${epochs.length}`;
