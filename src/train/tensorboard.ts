// TensorBoard's event file of a run: https://www.tensorflow.org/tensorboard. Node only. A file of
// records as TensorFlow's RecordWriter makes them (tensorflow/core/lib/io/record_writer.cc), each of
// which is an Event (event.proto, summary.proto and histogram.proto of tensorboard/compat/proto).

import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import crc32c from "crc-32/crc32c.js";
import { ArgumentError, DataError } from "../errors.js";
import { errorCode } from "../formats/files.js";
import { AppendFile } from "./append.js";
import { type Histogram, HistogramMaker } from "./histogram.js";
import { makeFolder } from "./make-folder.js";

/**
 * Writes what a run tells for TensorBoard to show: `tensorboard --logdir runs` finds the file by its
 * name, `events.out.tfevents.<seconds>.fovea`, where TensorFlow would put the machine's name last. Every
 * call appends a whole record before it returns, so the file can be read at any moment, also while the
 * run goes on or after it was killed.
 *
 * @example
 * const board = TensorBoardWriter.open("runs/a");
 * board.scalars(1, { "train/loss": 2.3, lr: 0.01 });
 * board.histogram(1, "0.weight", new Float32Array([-0.1, 0.2]));
 * board.close();
 */
export class TensorBoardWriter {
  readonly #histograms = new HistogramMaker();

  private constructor(private readonly file: AppendFile) {}

  /** Where it writes to. */
  get path(): string {
    return this.file.path;
  }

  /**
   * Begins a new file in `folder`, which is made if need be.
   *
   * @throws DataError if it cannot be written.
   */
  static open(folder: string): TensorBoardWriter {
    makeFolder(folder);
    const now = Date.now() / 1000;
    const writer = new TensorBoardWriter(create(folder, Math.floor(now)));
    const event = new BinaryWriter().tag(1, WireType.Bit64).double(now);
    writer.append(event.tag(3, WireType.LengthDelimited).string("brain.Event:2"));
    return writer;
  }

  /**
   * Goes on with a file where it was so many bytes long; what was appended later is cut off when there is
   * something to take its place.
   *
   * @throws DataError if it is missing, shorter than that, or cannot be written.
   */
  static reopen(path: string, bytes: number): TensorBoardWriter {
    return new TensorBoardWriter(AppendFile.reopen(path, bytes));
  }

  /** How long the file is. */
  get bytes(): number {
    return this.file.bytes;
  }

  /**
   * Numbers of a step, by tag: `train/loss` and `val/loss` get a chart each, under train and val.
   *
   * @param step A whole number ≥ 0: the chart's x axis.
   * @throws ArgumentError of a wrong step; DataError if the file cannot be written.
   */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    const summary = new BinaryWriter();
    for (const [tag, value] of Object.entries(values)) {
      summary.tag(1, WireType.LengthDelimited).fork();
      summary.tag(1, WireType.LengthDelimited).string(tag);
      // a number too large for f32 becomes infinite, as in any f32 arithmetic
      summary.tag(2, WireType.Bit32).float(Math.fround(value)).join();
    }
    this.summary("scalars", step, summary);
  }

  /**
   * How values (a layer's weights, say) are distributed at a step. NaN and infinities are left out; if
   * there is nothing else, nothing is written.
   *
   * @throws ArgumentError of a wrong step; DataError if the file cannot be written.
   */
  histogram(step: number, tag: string, values: Float32Array): void {
    const histogram = this.#histograms.of(values);
    if (histogram.num === 0) return;
    const summary = new BinaryWriter();
    summary.tag(1, WireType.LengthDelimited).fork();
    summary.tag(1, WireType.LengthDelimited).string(tag);
    writeHistogram(summary.tag(5, WireType.LengthDelimited).fork(), histogram);
    this.summary("histogram", step, summary.join().join());
  }

  /** Closes the file; closing twice does nothing more. */
  close(): void {
    this.file.close();
  }

  private summary(method: string, step: number, summary: BinaryWriter): void {
    if (!(Number.isSafeInteger(step) && step >= 0)) {
      throw new ArgumentError(
        `TensorBoardWriter.${method}`,
        `step must be a whole number ≥ 0, got ${step}`,
      );
    }
    const event = new BinaryWriter().tag(1, WireType.Bit64).double(Date.now() / 1000);
    event.tag(2, WireType.Varint).int64(step);
    this.append(event.tag(5, WireType.LengthDelimited).bytes(summary.finish()));
  }

  private append(event: BinaryWriter): void {
    this.file.append(record(event.finish()));
  }
}

/** A new event file; should there be one of the same second, with a number after its name. */
function create(folder: string, seconds: number): AppendFile {
  const name = `events.out.tfevents.${seconds}.fovea`;
  for (let number = 0; ; number++) {
    try {
      return AppendFile.create(join(folder, number === 0 ? name : `${name}.${number}`));
    } catch (error) {
      if (!(error instanceof DataError && errorCode(error.cause) === "EEXIST")) throw error;
    }
  }
}

/** HistogramProto. */
function writeHistogram(writer: BinaryWriter, histogram: Histogram): void {
  const { min, max, num, sum, sumSquares, limits, counts } = histogram;
  for (const [i, value] of [min, max, num, sum, sumSquares].entries())
    writer.tag(i + 1, WireType.Bit64).double(value);
  for (const [i, list] of [limits, counts].entries()) {
    writer.tag(i + 6, WireType.LengthDelimited).fork();
    for (const value of list) writer.double(value);
    writer.join();
  }
}

/** The length as u64, the masked CRC of these 8 bytes, the data, its masked CRC; little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return bytes;
}

/** CRC-32C turned by 15 bits and moved, so that the CRC of data with CRCs inside says something. */
function maskedCrc(data: Uint8Array): number {
  const crc = crc32c.buf(data) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
