// The "layers" style: networks as stacks of labelled boxes, one beside the other.

import { grouped } from "../numbers.js";
import { fullLabel, groupTitle, shapeText } from "./label.js";
import { type Layout, layoutOf, linesOf, type Rectangle, sizes } from "./layout.js";
import { fillOf, palette } from "./palette.js";
import { groupsAround, type Step, type Structure } from "./step.js";
import { element, escaped, number, roundedPath, svgDocument, text, textWidth } from "./svg.js";

export interface Picture {
  readonly title: string;
  readonly structure: Structure;
  readonly parameters: number;
}

const margin = 24;
const between = 56;
const head = { title: 17, subtitle: 12, height: 52 };

/** The networks as an SVG document. */
export function drawLayers(pictures: readonly Picture[]): string {
  let x = margin;
  let bottom = 0;
  const drawn = pictures.map(({ title, structure, parameters }) => {
    const layout = layoutOf(structure);
    const ends = [structure.steps[0]!, structure.outputs[0]!].map(({ shape }) => shapeText(shape));
    const subtitle = `${ends.join(" → ")} · ${grouped(parameters)} parameters`;
    const width = Math.max(
      layout.width,
      textWidth(title, head.title) * 1.1, // bold
      textWidth(subtitle, head.subtitle),
    );
    const centre = x + width / 2;
    const content = element(
      "g",
      { role: "group", "aria-label": title },
      "\n",
      text(title, centre, margin + 14, { size: head.title, weight: "bold" }),
      text(subtitle, centre, margin + 32, { size: head.subtitle, fill: palette.muted }),
      "\n",
      element(
        "g",
        { transform: `translate(${number(centre - layout.width / 2)} ${margin + head.height})` },
        "\n",
        ...contentOf(layout).map((line) => `${line}\n`),
      ),
    );
    x += width + between;
    bottom = Math.max(bottom, margin + head.height + layout.height + margin);
    return content;
  });
  const title = pictures.map((picture) => picture.title).join(", ");
  return svgDocument({ width: x - between + margin, height: bottom, title }, drawn);
}

function contentOf({ frames, wires, boxes }: Layout): string[] {
  const outermost = [...frames].sort(
    (a, b) => groupsAround(a.group).length - groupsAround(b.group).length,
  );
  return [
    ...outermost.map((frame) => frameOf(frame, groupTitle(frame.group))),
    ...wires.map(({ points }) =>
      element("path", {
        d: roundedPath(points, 6),
        fill: "none",
        stroke: palette.wire,
        "stroke-width": 1.3,
      }),
    ),
    ...[...boxes].flatMap(([step, box]) => [
      ...(step.inputs.length > 0 ? [arrowhead(box)] : []),
      boxOf(step, box),
    ]),
  ];
}

function frameOf({ x, y, width, height }: Rectangle, title: string): string {
  const rectangle = element("rect", {
    x,
    y,
    width,
    height,
    rx: 8,
    fill: palette.frame,
    "fill-opacity": 0.55,
    stroke: palette.frameBorder,
    "stroke-dasharray": "4 3",
  });
  const label = text(title, x + 10, y + sizes.frameTitleBaseline, {
    size: sizes.frameTitle,
    anchor: "start",
    fill: palette.muted,
  });
  return rectangle + label;
}

/** Where a wire ends: on the middle of a box's upper edge. */
function arrowhead({ x, y, width }: Rectangle): string {
  const middle = x + width / 2;
  const d = `M${number(middle)} ${number(y)}l-4 -7h8z`;
  return element("path", { d, fill: palette.wire });
}

function boxOf(step: Step, { x, y, width, height }: Rectangle): string {
  const { fill, stroke } = fillOf(step.operation.kind);
  const middle = x + width / 2;
  const [label, ...rest] = linesOf(step);
  const single = rest.length === 0;
  return element(
    "g",
    {},
    element("title", {}, escaped(description(step))),
    element("rect", { x, y, width, height, rx: 5, fill, stroke, "stroke-width": 1.2 }),
    text(label!, middle, y + sizes.labelBaseline + (single ? 1 : 0), { size: sizes.label }),
    ...rest.map((line, i) =>
      text(
        line,
        middle,
        y + sizes.detailBaseline + i * (sizes.detailBaseline - sizes.labelBaseline),
        {
          size: sizes.detail,
          fill: palette.muted,
        },
      ),
    ),
  );
}

/** What a pointer over the box shows, and what a screen reader says. */
function description(step: Step): string {
  const { name, parameters, shape } = step;
  return [
    ...(name === "" ? [] : [`${name}: `]),
    fullLabel(step),
    `, ${shape.join("×")}`,
    ...(parameters > 0 ? [`, ${grouped(parameters)} parameters`] : []),
  ].join("");
}
