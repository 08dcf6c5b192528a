// From the images of a data set to the pixels of a batch: what a loader's workers do, as pure functions
// of what they are handed. Browser-safe.

import type { Dataset } from "./dataset.js";
import { makeResize } from "./resize.js";

/** Some images, and the size that they are to have. It travels to workers: plain data only. */
export interface PrepareTask {
  /** [count, height, width, channels] */
  readonly images: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly channels: number;
  /** [height, width] */
  readonly inSize: readonly [number, number];
  readonly outSize: readonly [number, number];
}

/** Copies the images at `indices`, in that order: [n, height, width, channels]. */
export function gather(dataset: Dataset, indices: Int32Array): Uint8Array<ArrayBuffer> {
  const { images, height, width, channels } = dataset;
  const size = height * width * channels;
  const out = new Uint8Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]! * size;
    out.set(images.subarray(from, from + size), i * size);
  }
  return out;
}

/** The pixels of a batch, [count, channels, outHeight, outWidth]. May hand back the task's memory. */
export function prepare(task: PrepareTask): Uint8Array<ArrayBuffer> {
  const { images, count, channels, inSize, outSize } = task;
  const planes = channelsFirst(images, count, channels, inSize[0] * inSize[1]);
  if (inSize[0] === outSize[0] && inSize[1] === outSize[1]) return planes;
  return makeResize(inSize, outSize)(planes, count * channels);
}

/** [n, pixels, channels] → [n, channels, pixels] */
function channelsFirst(
  images: Uint8Array<ArrayBuffer>,
  count: number,
  channels: number,
  pixels: number,
): Uint8Array<ArrayBuffer> {
  if (channels === 1) return images;
  const out = new Uint8Array(images.length);
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < channels; c++) {
      const to = (n * channels + c) * pixels;
      const from = n * channels * pixels + c;
      for (let p = 0; p < pixels; p++) out[to + p] = images[from + p * channels]!;
    }
  }
  return out;
}
