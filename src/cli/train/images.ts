// The images of a training: which of the data set, in which parts, and what is done to them.

import {
  type AnyDataset,
  augmentation,
  DataLoader,
  type DatasetSplits,
  evaluation,
  isFileDataset,
  Normalize,
  splitDataset,
  subset,
  type Transform,
} from "../../data/index.js";
import { countSmaller } from "../../data/sizes.js";
import { grouped } from "../../look/numbers.js";
import { UsageError } from "../errors.js";
import type { Settings } from "./settings.js";

export interface Loaders {
  readonly train: DataLoader;
  readonly val?: DataLoader;
  readonly test?: DataLoader;
}

/** Which images a run had, as its config.json has it. */
export type ImageFacts = ReturnType<typeof imageFacts>;

export function imageFacts({ source }: AnyDataset, { train, val, test }: Loaders) {
  return {
    dataSource: source,
    imageShape: train.imageShape,
    trainExamples: train.count,
    valExamples: val?.count ?? 0,
    testExamples: test?.count ?? 0,
  };
}

/** What is done to pictures: in training, and in everything after it. */
export interface TransformLists {
  readonly train: readonly Transform[];
  readonly eval: readonly Transform[];
}

/** ImageNet's colours, with which torchvision's networks are trained. */
const imagenet = Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/** Tells of options that ask for more than there is; `note` shows a line. */
export async function makeLoaders(
  data: DatasetSplits<AnyDataset>,
  settings: Settings,
  note: (line: string) => void,
): Promise<Loaders & { readonly transforms: TransformLists }> {
  const { batchSize, seed, shuffle, valFraction, limitTrain, limitTest } = settings;
  const limited = limit(data.train, limitTrain, "--limit-train", note);
  const [images, kept] = valFraction > 0 ? split(limited, valFraction, seed) : [limited, undefined];
  smallInWords(data, settings.resize).forEach(note);
  const transforms = await transformsFor(images, settings);
  const common = { batchSize, ...(settings.workers !== null && { workers: settings.workers }) };
  const measure = { ...common, transforms: transforms.eval };
  return {
    transforms,
    train: new DataLoader(images, { ...common, transforms: transforms.train, seed, shuffle }),
    ...(kept && { val: new DataLoader(kept, measure) }),
    ...(limitTest !== 0 &&
      data.test.count > 0 && {
        test: new DataLoader(limit(data.test, limitTest, "--limit-test", note), measure),
      }),
  };
}

/**
 * The first images; of a folder, whose images come class after class, some of each class. (Those of the
 * published sets are mixed as they are.)
 */
export function limit<D extends AnyDataset>(
  dataset: D,
  most: number | null,
  option: string,
  note: (line: string) => void,
): D {
  const { count } = dataset;
  if (most === null || most === count) return dataset;
  if (most > count) {
    note(`${option} ${most}: there are ${grouped(count)} images; all of them are used`);
    return dataset;
  }
  const spread = isFileDataset(dataset) ? count / most : 1;
  return subset(
    dataset,
    Array.from({ length: most }, (_, i) => Math.floor(i * spread)),
  );
}

/** Sides less than this share of the network's leave little to see when they are enlarged to it. */
const smallShare = 1 / 4;

/** What is to be said of a folder's pictures that are far smaller than what the network takes. */
function smallInWords({ train, test }: DatasetSplits<AnyDataset>, side: number): string[] {
  const files = [train, test].filter(isFileDataset);
  const small = files.reduce((sum, part) => sum + countSmaller(part, smallShare * side), 0);
  if (small === 0) return [];
  return [
    `${grouped(small)} of ${grouped(train.count + test.count)} pictures are far smaller than the ` +
      `${side}×${side} of the network (a side is less than a quarter of it): enlarged, they show little`,
  ];
}

function split<D extends AnyDataset>(dataset: D, fraction: number, seed: number): [D, D] {
  const parts = splitDataset(dataset, fraction, seed);
  if (parts.every(({ count }) => count > 0)) return parts;
  throw new UsageError(
    `--val-fraction ${fraction}: there are too few training images (${dataset.count}) to keep some aside`,
  );
}

async function transformsFor(dataset: AnyDataset, settings: Settings): Promise<TransformLists> {
  const { resize, augment, normalize, data } = settings;
  const common = {
    size: [resize, resize],
    ...(!isFileDataset(dataset) && { imageSize: [dataset.height, dataset.width] as const }),
  } as const;
  const measured = evaluation({ ...common, augment });
  const trained = augmentation(augment, {
    ...common,
    channels: dataset.channels,
    flip: data !== "mnist", // a mirrored digit is none
  });
  if (normalize === "none") return { train: trained, eval: measured };
  if (normalize === "imagenet" && dataset.channels !== 3) {
    throw new UsageError(
      "--normalize imagenet is for colour images; these are grey: take --normalize dataset",
    );
  }
  const last =
    normalize === "imagenet" ? imagenet : await normalizationOf(dataset, measured, settings);
  return { train: [...trained, last], eval: [...measured, last] };
}

/** So many images tell the mean and deviation of all pixels to three digits. */
const looked = 2000;

/** Mean and deviation of each channel, over images from the whole of the training part. */
async function normalizationOf(
  dataset: AnyDataset,
  transforms: readonly Transform[],
  { batchSize, workers }: Settings,
): Promise<Normalize> {
  const count = Math.min(looked, dataset.count);
  const some = Array.from({ length: count }, (_, i) => Math.floor((i * dataset.count) / count));
  const loader = new DataLoader(subset(dataset, some), {
    batchSize,
    transforms,
    keepBytes: 0, // one epoch is all
    ...(workers !== null && { workers }),
  });
  const { channels } = dataset;
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  const plane = loader.imageShape[1] * loader.imageShape[2];
  for await (const { images } of loader.rawEpoch(0)) {
    for (let from = 0; from < images.length; from += plane) {
      const channel = (from / plane) % channels;
      let [sum, square] = [0, 0]; // whole numbers, so exact
      for (let i = from; i < from + plane; i++) {
        sum += images[i]!;
        square += images[i]! * images[i]!;
      }
      sums[channel]! += sum;
      squares[channel]! += square;
    }
  }
  const pixels = count * plane;
  const mean = Array.from(sums, (sum) => sum / pixels);
  const std = mean.map((m, c) => Math.sqrt(Math.max(0, squares[c]! / pixels - m * m)));
  const rounded = (x: number) => Math.round((x / 255) * 1e4) / 1e4;
  // Images of one colour have no deviation to divide by.
  return Normalize(
    mean.map(rounded),
    std.map(rounded).map((s) => s || 1),
  );
}
