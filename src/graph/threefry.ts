// Threefry-2x32-20: a counter-based random number generator. The same key and counter always give
// the same words, so that there is no generator state to keep.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

/** Rotation distances of the eight rounds that repeat. */
const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
/** Parity constant of the key schedule (from Skein). */
const parity = 0x1bd11bda;
const rounds = 20;

function rotateLeft(word: number, distance: number): number {
  return (word << distance) | (word >>> (32 - distance));
}

/** Both output words, as unsigned 32-bit numbers. */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
): [number, number] {
  const keys = [key0 | 0, key1 | 0, parity ^ key0 ^ key1];
  let x0 = (counter0 + keys[0]!) | 0;
  let x1 = (counter1 + keys[1]!) | 0;
  for (let round = 0; round < rounds; round++) {
    x0 = (x0 + x1) | 0;
    x1 = rotateLeft(x1, rotations[round % 8]!) ^ x0;
    if (round % 4 === 3) {
      // After every fourth round the next two of the three key words, and the injection's number.
      const injection = (round + 1) / 4;
      x0 = (x0 + keys[injection % 3]!) | 0;
      x1 = (x1 + keys[(injection + 1) % 3]! + injection) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** A uniform number in [0, 1) with 24 bits, exact in f32. */
export function uniform(seed: number, step: number, element: number, stream: number): number {
  return (threefry2x32(seed, step, element, stream)[0] >>> 8) * 2 ** -24;
}
