// What people read: results on stdout, all else on stderr. What strangers have named (the classes of a run,
// a file) does nothing to the terminal. Bars are train/progress.ts's.

import { printable } from "../formats/quote.js";

export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}
