// A stranger's text in an error message: short, in quotes, and without what would move a terminal's
// cursor or turn the direction of writing.

const unseen = /[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text as JSON has it, at most a hundred characters of it. */
export function quote(text: string): string {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return JSON.stringify(shown).replace(
    unseen,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
