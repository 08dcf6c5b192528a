import { describe, expect, it, test } from "vitest";
import { clock, columnsOf, table } from "./text.js";

test.each([
  ["T-shirt/top", 11],
  ["短靴", 4],
  ["ネコ (cat)", 10],
  ["cafe\u0301", 4],
  ["→ ·×", 4],
  ["🐶", 2],
])("%s takes %d columns of a terminal", (text, columns) => expect(columnsOf(text)).toBe(columns));

test.each([
  [75, "1:15"],
  [3661, "1:01:01"],
  [Number.NaN, "–"],
  [Number.POSITIVE_INFINITY, "–"],
])("%d seconds are %s", (seconds, text) => expect(clock(seconds)).toBe(text));

describe("table", () => {
  it("has its columns in line, also under names whose characters are wide", () => {
    const rows = [
      ["短靴", "7", "boot"],
      ["dress", "1,234", "裙"],
    ];
    expect(table(["class", "images", "what"], rows, new Set([1]))).toEqual([
      "class  images  what",
      "───────────────────",
      "短靴        7  boot",
      "dress   1,234  裙",
    ]);
  });
});
