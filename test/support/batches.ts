// Data sets made by hand, and what a loader makes of them.

import type { Dataset } from "../../src/data/dataset.js";
import type { RawBatch } from "../../src/data/loader.js";

/** Image i has the pixels i·size, i·size + 1, … (modulo 251) and the label i modulo 10. */
export function numbered(count: number, side = 4, channels = 1): Dataset {
  const images = Uint8Array.from({ length: count * side * side * channels }, (_, i) => i % 251);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
  const classNames = [..."0123456789"];
  return {
    images,
    labels,
    count,
    height: side,
    width: side,
    channels,
    classNames,
    source: "numbered",
  };
}

export async function collect(batches: AsyncIterable<RawBatch>): Promise<RawBatch[]> {
  const all: RawBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

export const indicesOf = (batches: RawBatch[]) => batches.map(({ indices }) => [...indices]);
