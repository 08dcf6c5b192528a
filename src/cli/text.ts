// Sizes, times and tables as a terminal shows them.

/** [1, 224, 224] → "1×224×224". */
export const dimensions = (shape: readonly number[]): string => shape.join("×");

/** 1240000 → "1.2 MB": powers of 1000, as disks and PyTorch's documents count. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), units.length - 1);
  const scaled = value / 1000 ** power;
  return `${power === 0 ? scaled : scaled.toFixed(scaled < 10 ? 2 : 1)} ${units[power]}`;
}

/** 75 → "1:15"; "–" for what nobody knows yet. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Characters that take two columns of a terminal: those of Chinese, Japanese and Korean, and emoji. */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
/** Those that take none: accents on what stands before, and marks that are not seen. */
const none = /[\p{M}\p{Cf}]/u;

/** Columns of a terminal that a text takes. */
export const columnsOf = (text: string): number =>
  [...text].reduce((sum, c) => sum + (none.test(c) ? 0 : wide.test(c) ? 2 : 1), 0);

/** A text with spaces behind it up to so many columns; `padLeft` puts them before it. */
export const padRight = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - columnsOf(text)));
const padLeft = (text: string, columns: number): string =>
  " ".repeat(Math.max(0, columns - columnsOf(text))) + text;

/** Rows under a head, columns as wide as they must be; those named in `right` end in line. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number>,
): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => columnsOf(row[i]!))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (right.has(i) ? padLeft(cell, widths[i]!) : padRight(cell, widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("──"), ...rows.map(line)];
}
