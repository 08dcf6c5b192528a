// Batches from a data set, epoch after epoch: order, cutting, resizing, and preparing ahead. What is in
// a batch depends on the data set, the options, the epoch and the batch's number alone: never on the
// number of workers, on timing, or on what was asked for before. Browser-safe where nothing is resized
// (threads are Node's, and imported only then).

import { fromTypedArray } from "../create.js";
import { ArgumentError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import type { Dataset } from "./dataset.js";
import { gather, prepare } from "./prepare.js";
import { resizedSize } from "./resize.js";
import { permutation } from "./shuffle.js";
import type { WorkerPool } from "./worker-pool.js";

export interface DataLoaderOptions {
  /** Images a batch. */
  readonly batchSize: number;
  /** A new order each epoch, from `seed`; otherwise the data set's order. Default: false. */
  readonly shuffle?: boolean;
  /** 0 … 2^32 − 1. Default: 0. */
  readonly seed?: number;
  /** Leaves out a last batch that is not full. Default: false. */
  readonly dropLast?: boolean;
  /** Uses only the data set's first images, this many. Default: all. */
  readonly limit?: number;
  /**
   * As torchvision's `Resize`: one number for the shorter side, proportions kept; or [height, width].
   * Default: the images' own size.
   */
  readonly resize?: number | readonly [height: number, width: number];
  /**
   * Threads that resize; 0 does it in place, where it holds up everything else. Where there is nothing
   * to resize none are started. Default: 1.
   */
  readonly workers?: number;
  /** How many batches the workers prepare ahead. Default: 2, or `workers` if that is more. */
  readonly prefetch?: number;
}

/** Where an epoch starts. */
export interface EpochOptions {
  /** The number of the first batch to give, 0 for all: to go on where a run was stopped. */
  readonly startBatch?: number;
}

/** A batch as plain arrays, which belong to the caller. */
export interface RawBatch {
  /** Pixels 0…255, in `shape`. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** [n, channels, height, width] */
  readonly shape: readonly [number, number, number, number];
  /** [n] */
  readonly labels: Int32Array<ArrayBuffer>;
  /** Where in the data set each image is: [n]. */
  readonly indices: Int32Array<ArrayBuffer>;
}

/**
 * Gives a data set in batches.
 *
 * @throws ArgumentError for an option outside its range.
 * @example
 * const loader = new DataLoader(dataset, { batchSize: 128, shuffle: true, resize: 224 });
 * for await (const [x, y] of loader) console.log(x.shape, y.dtype); // [128, 1, 224, 224] "i32"
 */
export class DataLoader implements AsyncIterable<[Tensor, Tensor]> {
  readonly dataset: Dataset;
  readonly batchSize: number;
  /** Images that an epoch draws from (with `dropLast`, some of them may be left out). */
  readonly count: number;
  /** Batches an epoch. */
  readonly batches: number;
  /** Of one image, as batches have it: [channels, height, width]. */
  readonly imageShape: readonly [number, number, number];

  readonly #shuffle: boolean;
  readonly #seed: number;
  readonly #workers: number;
  readonly #prefetch: number;
  /** The epoch that a plain `for await` goes through next. */
  #epoch = 0;

  constructor(dataset: Dataset, options: DataLoaderOptions) {
    const { batchSize, shuffle = false, seed = 0, dropLast = false, resize } = options;
    const { limit = dataset.count, workers = 1 } = options;
    check("batchSize", batchSize, 1);
    check("seed", seed, 0, 2 ** 32 - 1);
    check("limit", limit, 0);
    check("workers", workers, 0, 64);
    check("prefetch", options.prefetch ?? 2, 1);
    const { channels, height, width } = dataset;
    const size: readonly number[] =
      typeof resize === "number"
        ? resizedSize([height, width], resize)
        : (resize ?? [height, width]);
    for (const side of size) check("resize", side, 1);

    this.dataset = dataset;
    this.batchSize = batchSize;
    this.count = Math.min(limit, dataset.count);
    this.batches = (dropLast ? Math.floor : Math.ceil)(this.count / batchSize);
    this.imageShape = [channels, size[0]!, size[1]!];
    this.#shuffle = shuffle;
    this.#seed = seed;
    this.#workers = size[0] === height && size[1] === width ? 0 : workers;
    this.#prefetch = Math.max(options.prefetch ?? 2, workers);
  }

  /** The next epoch, from 0 on: each `for await` over the loader itself goes one further. */
  [Symbol.asyncIterator](): AsyncGenerator<[Tensor, Tensor], void, undefined> {
    return this.epoch(this.#epoch++);
  }

  /**
   * One epoch as pairs of tensors: images u8 [n, c, h, w] and labels i32 [n]. Leaving the loop early,
   * by `break` or by an error, ends what was being prepared.
   *
   * @param epoch Its number, 0 … 2^32 − 1. The same number gives the same batches.
   * @throws ArgumentError for a number outside its range; DataError if a worker dies.
   */
  async *epoch(
    epoch: number,
    options: EpochOptions = {},
  ): AsyncGenerator<[Tensor, Tensor], void, undefined> {
    for await (const { images, shape, labels } of this.rawEpoch(epoch, options)) {
      yield [fromTypedArray(images, shape), fromTypedArray(labels, [labels.length])];
    }
  }

  /** As `epoch`, but plain arrays, with the images' places in the data set. */
  async *rawEpoch(
    epoch: number,
    { startBatch = 0 }: EpochOptions = {},
  ): AsyncGenerator<RawBatch, void, undefined> {
    check("epoch", epoch, 0, 2 ** 32 - 1);
    check("startBatch", startBatch, 0, this.batches);
    if (startBatch === this.batches) return;
    const order = this.#shuffle ? permutation(this.count, this.#seed, epoch) : undefined;
    const plan = (batch: number) => this.#indices(batch, order);
    if (this.#workers === 0) {
      for (let batch = startBatch; batch < this.batches; batch++) {
        const indices = plan(batch);
        yield this.#batch(indices, prepare(this.#task(indices)));
      }
      return;
    }
    const { WorkerPool } = await import("./worker-pool.js");
    const pool = new WorkerPool(Math.min(this.#workers, this.batches), this.dataset.source);
    try {
      yield* this.#prepareAhead(pool, startBatch, plan);
    } finally {
      await pool.close();
    }
  }

  async *#prepareAhead(
    pool: WorkerPool,
    startBatch: number,
    plan: (batch: number) => Int32Array<ArrayBuffer>,
  ): AsyncGenerator<RawBatch, void, undefined> {
    const ahead: { indices: Int32Array<ArrayBuffer>; images: Promise<Uint8Array<ArrayBuffer>> }[] =
      [];
    let next = startBatch;
    for (let batch = startBatch; batch < this.batches; batch++) {
      // This one and those to prepare while the caller works on it.
      for (; next < this.batches && next <= batch + this.#prefetch; next++) {
        const indices = plan(next);
        ahead.push({ indices, images: pool.run(this.#task(indices)) });
      }
      const { indices, images } = ahead.shift()!;
      yield this.#batch(indices, await pool.wait(images));
    }
  }

  /** Which images make up a batch. */
  #indices(batch: number, order: Int32Array<ArrayBuffer> | undefined): Int32Array<ArrayBuffer> {
    const from = batch * this.batchSize;
    const to = Math.min(from + this.batchSize, this.count);
    return order
      ? order.slice(from, to)
      : Int32Array.from({ length: to - from }, (_, i) => from + i);
  }

  #task(indices: Int32Array<ArrayBuffer>) {
    const { channels, height, width } = this.dataset;
    return {
      images: gather(this.dataset, indices),
      count: indices.length,
      channels,
      inSize: [height, width] as const,
      outSize: [this.imageShape[1], this.imageShape[2]] as const,
    };
  }

  #batch(indices: Int32Array<ArrayBuffer>, images: Uint8Array<ArrayBuffer>): RawBatch {
    const { labels } = this.dataset;
    return {
      images,
      shape: [indices.length, ...this.imageShape],
      labels: indices.map((index) => labels[index]!),
      indices,
    };
  }
}

function check(option: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`;
  throw new ArgumentError("DataLoader", `${option} must be a whole number, ${range}; got ${value}`);
}
