// A stranger's text in an error message: short, in quotes, and without what would move a terminal's
// cursor or turn the direction of writing.

/** Control and format characters, and what ends lines; not the line break, nor what joins letters and emoji. */
const acting = /(?![\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with what a terminal would act on, but for line breaks, as JSON would have it. */
export const printable = (text: string): string =>
  text.replace(acting, (c) => c.split("").map(escaped).join(""));

const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The text as JSON has it, at most a hundred characters of it. */
export function quote(text: string): string {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return printable(JSON.stringify(shown));
}
