// What a data set is to the rest of Fovea: labelled images, in memory or as files. Where they came
// from, and how they become batches, is elsewhere (fashion-mnist.ts, folder.ts, loader.ts).

interface Labelled {
  /** The class of each image, 0…classNames.length − 1. */
  readonly labels: Uint8Array | Int32Array;
  readonly count: number;
  readonly channels: number;
  readonly classNames: readonly string[];
  /** Where it came from, for people and for error messages: a folder, or what was shipped. */
  readonly source: string;
  /** Something that a user must be told: that this is only a part of the real set, for instance. */
  readonly notice?: string;
}

/** Labelled images, all of one size, in memory. Treat the arrays as read-only. */
export interface Dataset extends Labelled {
  /** Pixels 0…255, [count, height, width, channels] (channels last, as image files have them). */
  readonly images: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Labelled image files of any sizes, decoded when they are needed, to `channels` channels. */
export interface FileDataset extends Labelled {
  /** PNG and JPEG files, one an image. */
  readonly files: readonly string[];
  /** [height, width] of each file as it is decoded, if known: then a loader can tell what will not fit. */
  readonly sizes?: readonly (readonly [height: number, width: number])[];
  /** Of each file's content, if known: they tell whether it has changed. */
  readonly digests?: readonly string[];
}

export type AnyDataset = Dataset | FileDataset;

export const isFileDataset = (dataset: AnyDataset): dataset is FileDataset => "files" in dataset;

/** A data set's two parts, always from the same source. */
export interface DatasetSplits<D extends AnyDataset = Dataset> {
  readonly train: D;
  readonly test: D;
}
