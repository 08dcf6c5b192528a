// The order in which the reference kernels visit the points of a strided window: row-major, one
// element offset a step. It is not about values or dtypes.

/** Number of points of an iteration space. */
export function pointCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Strides of a dense row-major array of this shape. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= shape[d]!;
  }
  return strides;
}

/** An odometer: `next()` gives `offset + Σ index[d]·strides[d]` of each point in row-major order. */
export class Walker {
  private readonly index: Int32Array;
  private readonly sizes: Int32Array;
  private readonly strides: Int32Array;
  private position: number;

  constructor(shape: readonly number[], offset: number, strides: readonly number[]) {
    this.index = new Int32Array(shape.length);
    this.sizes = Int32Array.from(shape);
    this.strides = Int32Array.from(strides);
    this.position = offset;
  }

  next(): number {
    const { index, sizes, strides } = this;
    const here = this.position;
    for (let d = index.length - 1; d >= 0; d--) {
      index[d]!++;
      if (index[d]! < sizes[d]!) {
        this.position += strides[d]!;
        return here;
      }
      index[d] = 0;
      this.position -= strides[d]! * (sizes[d]! - 1);
    }
    return here;
  }
}
