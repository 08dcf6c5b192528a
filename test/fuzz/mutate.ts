// Inputs for the fuzzer: files of a corpus, damaged. Input number i is a function of seed and i alone, so
// that any of them can be made again.

/** Uniform numbers (mulberry32), which is all that damage needs. */
export class Random {
  #state: number;

  constructor(seed: number, index: number) {
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** Numbers at which arithmetic goes wrong, if it does. */
const edges = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
].concat([2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]);

/** One file of the corpus with one to eight changes. */
export function mutate(
  random: Random,
  file: Uint8Array,
  others: readonly Uint8Array[],
  words: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(file);
  const changes = 1 + random.below(random.below(8) + 1);
  for (let i = 0; i < changes; i++) bytes = change(random, bytes, others, words);
  return bytes;
}

function change(
  random: Random,
  bytes: Uint8Array<ArrayBuffer>,
  others: readonly Uint8Array[],
  words: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const length = 1 + random.below(random.below(64) + 1);
  switch (random.below(9)) {
    case 0: // a bit
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1: // a byte
      if (at < bytes.length) bytes[at] = random.below(256);
      return bytes;
    case 2: // a number
      return over(bytes, at, edge(random));
    case 3: // cut off
      return bytes.slice(0, at);
    case 4: // taken out
      return spliced(bytes, at, at + length, new Uint8Array(0));
    case 5: // doubled
      return spliced(bytes, at, at, bytes.slice(at, at + length));
    case 6: // a part of another file
      return spliced(bytes, at, at + length, part(random, random.of(others)));
    case 7: // a word of the format, written over or between
      return words.length === 0
        ? bytes
        : spliced(bytes, at, at + (random.below(2) === 0 ? 0 : length), random.of(words));
    default: // the same byte over and over
      return spliced(bytes, at, at + length, new Uint8Array(length).fill(random.below(256)));
  }
}

function edge(random: Random): Uint8Array {
  const bytes = new Uint8Array(2 ** random.below(4));
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, random.of(edges) + BigInt(random.below(3) - 1)), true);
  for (let i = 0; i < bytes.length; i++) bytes[i] = view.getUint8(i);
  return random.below(2) === 0 ? bytes : bytes.reverse();
}

function over(bytes: Uint8Array<ArrayBuffer>, at: number, part: Uint8Array) {
  for (let i = 0; i < part.length && at + i < bytes.length; i++) bytes[at + i] = part[i]!;
  return bytes;
}

function part(random: Random, bytes: Uint8Array): Uint8Array {
  const from = random.below(bytes.length + 1);
  return bytes.subarray(from, from + 1 + random.below(64));
}

function spliced(bytes: Uint8Array, from: number, to: number, part: Uint8Array) {
  const rest = bytes.subarray(Math.min(to, bytes.length));
  const result = new Uint8Array(from + part.length + rest.length);
  result.set(bytes.subarray(0, from));
  result.set(part, from);
  result.set(rest, from + part.length);
  return result;
}
