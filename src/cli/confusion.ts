// The confusion matrix as lines of text: whole where it fits a terminal, else its largest cells.

import { grouped } from "../look/numbers.js";
import { columnsOf, table } from "./text.js";

/** Columns of text that are taken to fit. */
const widest = 100;

/** Cells that are listed of a matrix that is too wide. */
const listed = 15;

/** Counts by class (row) and prediction (column), classes numbered to keep the columns narrow. */
export function confusionLines(
  confusion: readonly (readonly number[])[],
  classNames: readonly string[],
): string[] {
  const largest = Math.max(classNames.length - 1, ...confusion.flat());
  const cell = (text: string) => text.padStart(String(largest).length);
  const numbers = classNames.map((_, i) => String(i));
  const rows = confusion.map((row, k) => [
    numbers[k]!,
    classNames[k]!,
    ...row.map((count) => cell(count === 0 ? "·" : String(count))),
  ]);
  const whole = table(["", "", ...numbers.map(cell)], rows, new Set([0]));
  if (Math.max(...whole.map(columnsOf)) <= widest) {
    return ["images of a class (row) taken for a class (column):", "", ...whole];
  }
  const mixed = confusion
    .flatMap((row, k) => row.map((count, j) => ({ count, k, j })))
    .filter(({ count, k, j }) => count > 0 && k !== j)
    .sort((a, b) => b.count - a.count)
    .slice(0, listed);
  if (mixed.length === 0) return ["no image is taken for another class"];
  return [
    "most often taken for another class (--json has the whole matrix):",
    "",
    ...table(
      ["class", "taken for", "images"],
      mixed.map(({ count, k, j }) => [classNames[k]!, classNames[j]!, grouped(count)]),
      new Set([2]),
    ),
  ];
}
