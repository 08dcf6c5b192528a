// Scalar functions that JavaScript's Math lacks, or defines otherwise than IEEE 754 and PyTorch do.
// All of them compute in double precision.

/** The error function, to a few units in the last place of a double. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const size = Math.abs(x);
  if (size < 2.5) return erfSeries(x);
  // erfc(6) < 2^-53, so that erf is 1 to the last bit.
  const value = size > 6 ? 1 : 1 - erfcFraction(size);
  return x < 0 ? -value : value;
}

/** erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)): all terms of one sign. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 2 ** -54; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) = e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), for x well above 0. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 60; n >= 1; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}

/** 1 / (1 + e^(−x)), without an overflow on the way. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** max(x, 0); Math.max passes NaN on. */
export function relu(x: number): number {
  return Math.max(x, 0);
}

/** IEEE 754's pow: 1^y is 1 even for NaN, and (−1)^±∞ is 1; JavaScript says NaN to both. */
export function pow(x: number, y: number): number {
  if (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY)) return 1;
  return x ** y;
}

/** f32 → i32: truncated towards zero; NaN gives 0, out of range saturates. */
export function toI32(x: number): number {
  if (Number.isNaN(x)) return 0;
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x)));
}
