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

/** Waits, for `seconds` at most, until threads compute nearly as many times what one does. Tells `say` if they do not. */
export async function untilAllThere(threads, seconds, say) {
  const enough = 0.9 * threads;
  const end = performance.now() + 1000 * seconds;
  let times = await speedup(threads);
  while (times < enough && performance.now() < end) {
    await pause(2000);
    times = await speedup(threads);
  }
  if (times < enough)
    say(
      `the machine is not all there: ${threads} threads compute ${times.toFixed(1)} times what one does`,
    );
  return times;
}
