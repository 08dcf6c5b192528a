// The learning curve as a picture: loss and both accuracies over epochs, on one axis, as d2l's plots
// show them. Gives SVG text; touches no file and no DOM.

import { LineChart, type LineSeriesOption } from "echarts/charts";
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  TitleComponent,
  type TitleComponentOption,
} from "echarts/components";
import { type ComposeOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { History } from "./history.js";

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

type Option = ComposeOption<
  LineSeriesOption | GridComponentOption | LegendComponentOption | TitleComponentOption
>;
type Point = [epoch: number, value: number];

export interface CurvesOptions {
  readonly title: string;
  readonly subtitle?: string;
  /** Pixels. Default: 720 × 450. */
  readonly width?: number;
  readonly height?: number;
}

/** Distinct in print and to the colour-blind (Okabe and Ito, "Color Universal Design", 2008). */
const styles = {
  "train loss": { color: "#0072b2", type: "solid" },
  "train acc": { color: "#d55e00", type: "dashed" },
  "test acc": { color: "#009e73", type: "solid" },
} as const;

/**
 * Draws the curves of a training.
 *
 * @returns An SVG document.
 * @example await writeFile("curves.svg", drawCurves(history, { title: "lenet" }));
 */
export function drawCurves(
  { curve, epochs }: Pick<History, "curve" | "epochs">,
  { title, subtitle = "", width = 720, height = 450 }: CurvesOptions,
): string {
  const lines: Record<keyof typeof styles, Point[]> = {
    "train loss": curve.map((p) => [p.epoch, p.trainLoss]),
    "train acc": curve.map((p) => [p.epoch, p.trainAcc]),
    "test acc": epochs.flatMap((e, i) => (e.testAcc === null ? [] : [[endOf(i), e.testAcc]])),
  };
  /** Where an epoch ends: the last one may have been cut short. */
  function endOf(index: number): number {
    return index < epochs.length - 1 ? index + 1 : (curve.at(-1)?.epoch ?? index + 1);
  }

  const shown = Object.entries(lines).filter(([, points]) => points.length > 0);
  const names = new Map(shown.map(([name, points]) => [name, `${name} ${last(points)}`]));
  const text = { color: "#333", fontSize: 13 };
  const axis = {
    nameLocation: "middle",
    nameTextStyle: text,
    axisLabel: text,
    axisLine: { show: true, lineStyle: { color: "#888" } },
    axisTick: { show: true },
    splitLine: { show: true, lineStyle: { color: "#e6e6e6" } },
  } as const;
  const end = curve.at(-1)?.epoch ?? 1;
  const option: Option = {
    animation: false,
    backgroundColor: "#fff",
    textStyle: { fontFamily: "Helvetica, Arial, 'DejaVu Sans', sans-serif" },
    title: {
      text: title,
      subtext: subtitle,
      left: 56,
      top: 12,
      itemGap: 6,
      textStyle: { color: "#111", fontSize: 17 },
      subtextStyle: { color: "#666", fontSize: 13 },
    },
    legend: {
      bottom: 10,
      itemWidth: 32,
      itemGap: 28,
      textStyle: text,
    },
    grid: { left: 56, right: 28, top: 76, bottom: 88 },
    xAxis: {
      ...axis,
      type: "value",
      name: "epoch",
      nameGap: 28,
      min: 0,
      max: end,
      ...(end >= 2 && { minInterval: 1 }),
    },
    yAxis: { ...axis, type: "value", min: 0 },
    series: shown.map(([name, points]) => {
      const { color, type } = styles[name as keyof typeof styles];
      // Dots where there are few points, so that a single one is seen.
      const dots = points.length <= 25;
      return {
        type: "line",
        name: names.get(name)!,
        data: points,
        color,
        lineStyle: { color, type, width: 2 },
        symbol: "circle",
        symbolSize: 6,
        showSymbol: dots,
      };
    }),
  };
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption(option);
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

const last = (points: readonly Point[]) => points.at(-1)![1].toFixed(3);
