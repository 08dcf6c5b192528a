// Arrays with shapes, as slowly and plainly as can be: an oracle for the ops that only move elements,
// which shares nothing with the engine.

export interface Nd {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** All index vectors of a shape in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.includes(0)) return;
  const index = shape.map(() => 0);
  for (;;) {
    yield [...index];
    let d = shape.length - 1;
    while (d >= 0 && ++index[d]! === shape[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

export function at({ shape, data }: Nd, index: readonly number[]): number {
  return data[index.reduce((sum, i, d) => sum * shape[d]! + i, 0)]!;
}

export function fill(shape: readonly number[], value: (index: readonly number[]) => number): Nd {
  return { shape, data: [...indices(shape)].map(value) };
}

export const reshape = (x: Nd, shape: readonly number[]): Nd => ({ shape, data: x.data });

export const permute = (x: Nd, order: readonly number[]): Nd =>
  fill(
    order.map((d) => x.shape[d]!),
    (index) => {
      const from = x.shape.map(() => 0);
      order.forEach((d, i) => {
        from[d] = index[i]!;
      });
      return at(x, from);
    },
  );

export const expand = (x: Nd, shape: readonly number[]): Nd =>
  fill(shape, (index) => {
    const last = index.slice(shape.length - x.shape.length);
    return at(
      x,
      last.map((i, d) => (x.shape[d] === 1 ? 0 : i)),
    );
  });

/** One [start, end, step] per dimension, all given and in range. */
export const slice = (
  x: Nd,
  ranges: readonly (readonly [start: number, end: number, step: number])[],
): Nd =>
  fill(
    ranges.map(([start, end, step]) => Math.max(0, Math.ceil((end - start) / step))),
    (index) =>
      at(
        x,
        index.map((i, d) => ranges[d]![0] + i * ranges[d]![2]),
      ),
  );

export const pad = (
  x: Nd,
  before: readonly number[],
  after: readonly number[],
  value: number,
): Nd =>
  fill(
    x.shape.map((n, d) => before[d]! + n + after[d]!),
    (index) => {
      const from = index.map((i, d) => i - before[d]!);
      return from.every((i, d) => i >= 0 && i < x.shape[d]!) ? at(x, from) : value;
    },
  );

export function cat(parts: readonly Nd[], axis: number): Nd {
  const length = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  return fill(
    parts[0]!.shape.map((n, d) => (d === axis ? length : n)),
    (index) => {
      let i = index[axis]!;
      for (const part of parts) {
        if (i < part.shape[axis]!)
          return at(
            part,
            index.map((j, d) => (d === axis ? i : j)),
          );
        i -= part.shape[axis]!;
      }
      throw new Error("outside");
    },
  );
}

export const map = (x: Nd, fn: (value: number) => number): Nd => ({
  shape: x.shape,
  data: x.data.map(fn),
});

/** Elementwise with NumPy's broadcasting. */
export function zip(a: Nd, b: Nd, fn: (a: number, b: number) => number): Nd {
  const rank = Math.max(a.shape.length, b.shape.length);
  const size = ({ shape }: Nd, d: number) => shape[d - rank + shape.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, d) =>
    size(a, d) === 1 ? size(b, d) : size(a, d),
  );
  const [x, y] = [expand(a, shape), expand(b, shape)];
  return { shape, data: x.data.map((value, i) => fn(value, y.data[i]!)) };
}

/** Reduces some dimensions, which go away. */
export function reduce(
  x: Nd,
  dims: readonly number[],
  fn: (values: readonly number[]) => number,
): Nd {
  const kept = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const inner = dims.map((d) => x.shape[d]!);
  return fill(
    kept.map((d) => x.shape[d]!),
    (outer) =>
      fn(
        [...indices(inner)].map((within) => {
          const index = x.shape.map(() => 0);
          kept.forEach((d, i) => {
            index[d] = outer[i]!;
          });
          dims.forEach((d, i) => {
            index[d] = within[i]!;
          });
          return at(x, index);
        }),
      ),
  );
}

export const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
export const average = (values: readonly number[]) => total(values) / values.length;
export const most = (values: readonly number[]) => Math.max(...values);
