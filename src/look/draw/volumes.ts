// The "volumes" style: what flows through a network, as boxes in perspective from left to right, with
// the window of each convolution or pool on the map that it reads; fully connected layers as columns.
// So AlexNet's paper draws it (Figure 2), and Andrew Ng after it.

import { grouped } from "../numbers.js";
import { shapeText } from "./label.js";
import type { Picture } from "./layers.js";
import { palette } from "./palette.js";
import { boxOf, columnOf, edgeOf, type Solid, solidOf, windowOf } from "./solid.js";
import { type Stage, stagesOf } from "./stages.js";
import {
  element,
  escaped,
  number,
  type Point,
  roundedPath,
  svgDocument,
  text,
  textWidth,
} from "./svg.js";
import { treeOf } from "./tree.js";

const margin = 24;
const rowWidth = 1150;
const fontSize = { title: 17, subtitle: 12, shape: 12, operation: 11 };
const arrowWidth = 38;

/** The networks as an SVG document, one below the other. */
export function drawVolumes(pictures: readonly Picture[]): string {
  let y = margin;
  let right = 0;
  const drawn: string[] = [];
  for (const { title, structure, parameters } of pictures) {
    const stages = stagesOf(treeOf(structure));
    const rows = rowsOf(stages);
    const width = Math.max(...rows.map((row) => row.width));
    const subtitle = `${inOut(stages)} · ${grouped(parameters)} parameters`;
    drawn.push(
      text(title, margin, y + 14, { size: fontSize.title, weight: "bold", anchor: "start" }),
      text(subtitle, margin, y + 32, {
        size: fontSize.subtitle,
        fill: palette.muted,
        anchor: "start",
      }),
    );
    y += 52;
    let below: Point[] = [];
    for (const row of rows) {
      const at = `translate(${margin} ${number(y)})`;
      drawn.push(element("g", { transform: at }, "\n", ...row.content.map((line) => `${line}\n`)));
      if (below.length > 0) drawn.push(turnOf(below, [margin + turn, y + row.line]));
      const gap = y + row.height + gapHeight / 2;
      const end = margin + row.width;
      below = [
        [end - row.rest, y + row.line],
        [end, y + row.line],
        [end, gap],
        [margin + 4, gap],
      ];
      y += row.height + gapHeight;
    }
    const widths = [
      width,
      textWidth(title, fontSize.title) * 1.15,
      textWidth(subtitle, fontSize.subtitle),
    ];
    right = Math.max(right, ...widths);
  }
  const legend = "s: stride, p: padding; height × width × channels";
  drawn.push(
    text(legend, margin, y, { size: fontSize.operation, fill: palette.muted, anchor: "start" }),
  );
  const title = pictures.map((picture) => picture.title).join(", ");
  const width = Math.max(right, textWidth(legend, fontSize.operation)) + 2 * margin;
  return svgDocument({ width, height: y + margin, title }, drawn);
}

const inOut = (stages: readonly Stage[]) =>
  `${imageText(stages[0]!.shape)} → ${imageText(stages.at(-1)!.shape)}`;

/** As the figures have it, channels last. */
function imageText(shape: readonly number[]): string {
  const [channels, ...size] = shape;
  return shapeText([...size, channels!]);
}

// ---------------------------------------------------------------- where it goes

interface Row {
  readonly content: readonly string[];
  readonly width: number;
  readonly height: number;
  /** Where its arrows are, from its top. */
  readonly line: number;
  /** How long the line is that leaves it for the next row. */
  readonly rest: number;
}

/** Between two rows; the line that leads from one to the other has its middle. */
const gapHeight = 28;

/** The room before the first solid of a row that goes on from another. */
const turn = 24;

function rowsOf(stages: readonly Stage[]): Row[] {
  const largest = Math.max(...stages.flatMap(({ shape }) => shape.slice(1)), 1);
  const solids = stages.map((stage) => solidOf(stage, largest));
  const cells = solids.map(cellWidth);
  const arrows = solids.map((solid, i) => arrowCell(solid.stage, cells[i - 1] ?? 0, cells[i]!));
  const needed = (row: readonly number[]) =>
    row.reduce((sum, i) => sum + (i === row[0] ? before(i) : arrows[i]!) + cells[i]!, after(row));
  const before = (first: number) => (first === 0 ? 0 : turn);
  /** What comes between two rows is written at the end of the first. */
  const after = (row: readonly number[]) => {
    const next = stages[row.at(-1)! + 1];
    return next ? alone(next) : 0;
  };
  const rows = evenRows(stages.length, needed);
  return rows.map((row) => {
    let x = 0;
    const placed = row.map((i) => {
      const arrow = row[0] === i ? before(i) : arrows[i]!;
      const at = {
        solid: solids[i]!,
        arrow: [x, x + arrow] as const,
        x: x + arrow,
        cell: cells[i]!,
      };
      x += arrow + cells[i]!;
      return at;
    });
    return { ...drawRow(placed, solids[row.at(-1)! + 1]?.stage), width: x + after(row) };
  });
}

/** 0, 1, … in as few rows as possible, all about as long; `needed` is the length of a row. */
function evenRows(count: number, needed: (row: readonly number[]) => number): number[][] {
  const filled = (limit: number): number[][] => {
    const rows: number[][] = [[]];
    for (let i = 0; i < count; i++) {
      const row = rows.at(-1)!;
      if (row.length > 0 && needed([...row, i]) > limit) rows.push([i]);
      else row.push(i);
    }
    return rows;
  };
  const fewest = filled(rowWidth).length;
  let limit = rowWidth;
  while (limit > 100 && filled(limit - 10).length === fewest) limit -= 10;
  return filled(limit);
}

const shapeLabel = ({ shape }: Stage) => imageText(shape);

const cellWidth = ({ stage, width }: Solid) =>
  Math.max(width, textWidth(shapeLabel(stage), fontSize.shape)) + 8;

const operationWidth = ({ lines, notes }: Stage) =>
  Math.max(0, ...[...lines, notes].map((line) => textWidth(line, fontSize.operation)));

/** The room an arrow needs: what is written below may reach under half of both neighbours. */
const arrowCell = (stage: Stage, before: number, after: number) =>
  Math.max(arrowWidth, operationWidth(stage) + 12 - Math.min(before, after));

const alone = (stage: Stage) => Math.max(arrowWidth, operationWidth(stage) + 12);

interface Placed {
  readonly solid: Solid;
  readonly arrow: readonly [from: number, to: number];
  readonly x: number;
  readonly cell: number;
}

/** One row; `next` is what the row after it begins with. */
function drawRow(placed: readonly Placed[], next: Stage | undefined): Omit<Row, "width"> {
  const tall = Math.max(...placed.map(({ solid }) => solid.height));
  const baseline = tall + 22;
  const content: string[] = [];
  const corners = placed.map(({ solid, x, cell }) => {
    // the front face's upper left corner
    const left = x + (cell - solid.width) / 2;
    return [left, tall / 2 + solid.height / 2 - solid.front[1]] as const;
  });
  placed.forEach(({ solid, x, cell, arrow }, i) => {
    const { stage } = solid;
    const corner = corners[i]!;
    const read = placed[i + 1]?.solid.stage ?? next;
    const target = placed[i + 1] && edgeOf(placed[i + 1]!.solid, corners[i + 1]!);
    content.push(
      element(
        "g",
        {},
        element("title", {}, escaped(stage.description)),
        ...(solid.depth === undefined
          ? columnOf(solid, corner)
          : boxOf(solid, corner, Math.max(stage.groups ?? 1, read?.groups ?? 1))),
      ),
    );
    if (read?.window && solid.depth !== undefined)
      content.push(...windowOf(solid, corner, read, target));
    content.push(text(shapeLabel(stage), x + cell / 2, baseline, { size: fontSize.shape }));
    if (stage.lines.length > 0 && i > 0) {
      const middle = (arrow[0] + arrow[1]) / 2;
      const reach = Math.min(arrow[1] - arrow[0], arrowWidth) / 2 - 4;
      content.push(arrowOf(middle - reach, middle + reach, baseline - 4));
      content.push(...operationOf(stage, middle, baseline));
    }
  });
  const { x, cell } = placed.at(-1)!;
  const rest = next ? alone(next) : 0;
  if (next) content.push(...operationOf(next, x + cell + rest / 2, baseline));
  const written = [...placed.slice(1).map(({ solid }) => solid.stage), ...(next ? [next] : [])];
  const lines = Math.max(0, ...written.map((stage) => stage.lines.length + (stage.notes ? 1 : 0)));
  return { content, height: baseline + 4 + 14 * lines, line: baseline - 4, rest };
}

/** What a stage comes from, in words, below its arrow. */
function operationOf({ lines, notes }: Stage, middle: number, baseline: number): string[] {
  return [...lines, notes].flatMap((line, n) => {
    if (line === "") return [];
    const fill = n === lines.length ? palette.muted : "#1a1a1a";
    return text(line, middle, baseline + 16 + 14 * n, { size: fontSize.operation, fill });
  });
}

/** From the end of a row to the first solid of the next one, which stands at `to`. */
function turnOf(points: readonly Point[], to: Point): string {
  const corner: Point = [points.at(-1)![0], to[1]];
  const line = { stroke: palette.wire, "stroke-width": 1.3, fill: "none" };
  const d = roundedPath([...points, corner, [to[0] - 6, to[1]]], 8);
  return element("path", { d, ...line }) + headAt(to);
}

const arrowOf = (from: number, to: number, y: number) =>
  element("path", {
    d: `M${number(from)} ${number(y)}H${number(to - 6)}`,
    stroke: palette.wire,
    "stroke-width": 1.3,
    fill: "none",
  }) + headAt([to, y]);

const headAt = ([x, y]: Point) =>
  element("path", { d: `M${number(x)} ${number(y)}l-7 -4v8z`, fill: palette.wire });
