// Whether a machine has the processors that it shows. On a virtual one, two of them may for minutes at a time be
// the two threads of one core, or be shared with other guests: then two threads compute what one does, and a
// measurement of two says nothing about two cores.

import { setTimeout as pause } from "node:timers/promises";
import { openNative } from "fovea";

/** Multiply-adds that never leave the registers, by so many threads, over those by one. */
export async function speedup(threads) {
  const flops = [];
  for (const count of [1, threads]) {
    const backend = openNative({ threads: count });
    flops.push((await backend.measurePeaks()).flops);
    await backend.close();
  }
  return flops[1] / flops[0];
}

/** Waits, for `seconds` at most, until threads compute nearly as many times what one does, and gives back how many. */
export async function untilAllThere(threads, seconds) {
  const enough = 0.9 * threads;
  const end = performance.now() + 1000 * seconds;
  let most = await speedup(threads);
  while (most < enough && performance.now() < end) {
    await pause(2000);
    most = await speedup(threads);
  }
  return most;
}
