// What a data set is to the rest of Fovea: images and labels in memory. Where they came from, and how
// they become batches, is elsewhere (fashion-mnist.ts, loader.ts).

/** Labelled images, all of one size, in memory. Treat the arrays as read-only. */
export interface Dataset {
  /** Pixels 0…255, [count, height, width, channels] (channels last, as image files have them). */
  readonly images: Uint8Array;
  /** The class of each image, 0…classNames.length − 1. */
  readonly labels: Uint8Array | Int32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classNames: readonly string[];
  /** Where it came from, for people and for error messages: a folder, or what was shipped. */
  readonly source: string;
  /** Something that a user must be told: that this is only a part of the real set, for instance. */
  readonly notice?: string;
}

/** A data set's two parts, always from the same source. */
export interface DatasetSplits {
  readonly train: Dataset;
  readonly test: Dataset;
}
