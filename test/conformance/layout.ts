// Layouts of test operands: which dimension is innermost, which run backwards, where there are gaps,
// what is repeated. The contract promises that any strides are correct; this draws them.

import fc from "fast-check";

export interface Layout {
  /** The dimensions from the outermost in memory to the innermost. */
  readonly order: readonly number[];
  /** Dimensions that run backwards (negative strides). */
  readonly flipped: readonly boolean[];
  /** Elements skipped between neighbours along a dimension, in units of what lies inside it. */
  readonly gaps: readonly number[];
  /** Dimensions whose elements are all the same one (stride 0). Sources only. */
  readonly repeated: readonly boolean[];
  /** Elements in the buffer before the window. */
  readonly lead: number;
}

export interface Placement {
  readonly offset: number;
  readonly strides: number[];
  /** Elements that the buffer must have. */
  readonly length: number;
}

/** The stride of a dimension of size 1 means nothing; this one would leave every buffer. */
const meaningless = 7_777_777;

/** Elements behind the window, which nobody may touch. With a sanitizer (test/sanitize) memory ends there. */
const trail = process.env.FOVEA_ADDON === undefined ? 3 : 0;

/** Where the elements of `shape` lie in a buffer of their own. */
export function place(shape: readonly number[], layout: Layout): Placement {
  const strides = new Array<number>(shape.length).fill(meaningless);
  let offset = layout.lead;
  let step = 1;
  for (const d of [...layout.order].reverse()) {
    const size = shape[d]!;
    if (size === 1) continue;
    if (layout.repeated[d]) {
      strides[d] = 0;
      continue;
    }
    const stride = step * (1 + layout.gaps[d]!);
    strides[d] = layout.flipped[d] ? -stride : stride;
    if (layout.flipped[d]) offset += stride * Math.max(size - 1, 0);
    step = stride * size;
  }
  return { offset, strides, length: layout.lead + step + trail };
}

/** Dense, in the given order of dimensions. */
export function denseLayout(order: readonly number[]): Layout {
  const none = order.map(() => false);
  return { order, flipped: none, gaps: order.map(() => 0), repeated: none, lead: 0 };
}

export const rowMajor = (rank: number) => denseLayout(Array.from({ length: rank }, (_, d) => d));

/** Anything that the contract allows. */
export function anyLayout(rank: number, canRepeat: boolean): fc.Arbitrary<Layout> {
  const dimensions = Array.from({ length: rank }, (_, d) => d);
  const each = <T>(value: fc.Arbitrary<T>) =>
    fc.array(value, { minLength: rank, maxLength: rank, size: "max" });
  const rarely = fc.nat(5).map((n) => n === 5);
  return fc.record({
    order: fc.shuffledSubarray(dimensions, { minLength: rank, maxLength: rank }),
    flipped: each(rarely),
    gaps: each(rarely.map((gap) => (gap ? 1 : 0))),
    repeated: each(canRepeat ? rarely : fc.constant(false)),
    lead: fc.nat(5),
  });
}

/** Mostly one of the usual orders, dense; else anything. */
export function layouts(
  usual: readonly (readonly number[])[],
  canRepeat: boolean,
): fc.Arbitrary<Layout> {
  const rank = usual[0]!.length;
  return fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...usual.map(denseLayout)) },
    { weight: 1, arbitrary: anyLayout(rank, canRepeat) },
  );
}

/** Orders of [n, c, h, w]: channels last, and PyTorch's. */
export const imageOrders = [
  [0, 2, 3, 1],
  [0, 1, 2, 3],
] as const;
