// The fuzzer: damages files of a corpus, gives them to their parser, and counts what comes of it. An input
// that is neither read nor refused with a FoveaError ends it.

import { FoveaError } from "../../src/errors.js";
import { mutate, Random } from "./mutate.js";
import { corpusOf, type Fuzzed, parsers } from "./parsers.js";

export interface FuzzOptions {
  readonly parser: string;
  readonly seed: number;
  /** The number of the first input. Default 0. */
  readonly from?: number;
  /** Whether to go on, asked before each input. */
  readonly more: (done: number) => boolean;
  /** Whether an input may fail by its time and memory, which depend on the machine. Default true. */
  readonly timed?: boolean;
  /** Told of every thousandth input. */
  readonly progress?: (report: FuzzReport) => void;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  /** Seconds by the clock. */
  readonly seconds: number;
  /** The most processor time that one input took, in milliseconds, and which it was. */
  readonly slowest: { readonly milliseconds: number; readonly index: number };
  /** How much more memory the process has had than before the first input, in bytes. */
  readonly memory: number;
}

/** What an input has done that it must not. */
export class FuzzFailure extends Error {
  constructor(
    readonly parser: string,
    readonly index: number,
    readonly input: Uint8Array,
    override readonly cause: unknown,
  ) {
    super(`${parser}: input ${index}: ${cause instanceof Error ? cause.stack : cause}`);
  }
}

/** Inputs may take so long, and so much memory beyond their cap. */
export const limits = { milliseconds: 1000, bytes: 256 * 2 ** 20 };

/** Input number `index`, and the file that it was. */
export function inputOf(parser: string, seed: number, index: number) {
  const { words, seal } = parsers[parser]!;
  const files = corpusOf(parser);
  return inputFrom(files, words.map(bytesOf), seal, seed, index);
}

const bytesOf = (word: string) => Uint8Array.from(Buffer.from(word, "latin1"));

function inputFrom(
  files: ReturnType<typeof corpusOf>,
  words: readonly Uint8Array[],
  seal: Fuzzed["seal"],
  seed: number,
  index: number,
) {
  const random = new Random(seed, index);
  const { name, bytes } = random.of(files);
  const others = files.map((file) => file.bytes);
  const damaged = mutate(random, bytes, others, words);
  return { name, bytes: seal && random.below(2) === 0 ? seal(damaged, name) : damaged };
}

/**
 * Feeds a parser.
 *
 * @throws FuzzFailure for what is neither read nor refused, or (see `limits`) too slow or too large.
 */
export async function fuzz(
  { parser, seed, from = 0, more, timed = true, progress }: FuzzOptions,
  { words, seal, cap, open }: Fuzzed = parsers[parser]!,
): Promise<FuzzReport> {
  const files = corpusOf(parser);
  const wordBytes = words.map(bytesOf);
  const target = await open();
  const start = performance.now();
  const resident = process.memoryUsage.rss();
  let [accepted, refused, memory] = [0, 0, 0];
  let slowest = { milliseconds: 0, index: from };
  const report = (): FuzzReport => ({
    inputs: accepted + refused,
    accepted,
    refused,
    seconds: (performance.now() - start) / 1000,
    slowest,
    memory,
  });
  try {
    for (let index = from; more(index - from); index++) {
      const { name, bytes } = inputFrom(files, wordBytes, seal, seed, index);
      const kept = bytes.slice();
      const before = process.cpuUsage();
      try {
        await target.parse(bytes, name);
        accepted++;
      } catch (error) {
        if (!(error instanceof FoveaError)) throw new FuzzFailure(parser, index, kept, error);
        refused++;
      }
      const { user, system } = process.cpuUsage(before);
      const milliseconds = (user + system) / 1000;
      if (milliseconds > slowest.milliseconds) slowest = { milliseconds, index };
      if (timed && milliseconds > limits.milliseconds) {
        throw new FuzzFailure(parser, index, kept, `took ${milliseconds} ms of processor time`);
      }
      if (index % 64 === 0) memory = Math.max(memory, process.memoryUsage.rss() - resident);
      if (timed && memory > cap + limits.bytes) {
        throw new FuzzFailure(parser, index, kept, `or one of 64 before it took ${memory} bytes`);
      }
      if ((index - from + 1) % 1000 === 0) progress?.(report());
    }
    return report();
  } finally {
    await target.close();
  }
}
