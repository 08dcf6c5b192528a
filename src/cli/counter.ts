// On a terminal, a line that counts images while a network looks at them, and goes away at the end.

import { grouped } from "../look/numbers.js";

/** @param purpose What they are looked at for: "evaluation". Called with 0 done, it says it at once. */
export function countImages(purpose: string): (done: number, total: number) => void {
  if (!process.stderr.isTTY) return () => {};
  return (done, total) => {
    const line =
      done < total ? `${purpose}: ${grouped(done)} of ${grouped(total)} images` : "\x1b[K";
    process.stderr.write(`${line}\r`);
  };
}
