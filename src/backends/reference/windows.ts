// Where sliding windows meet their input, along one axis: input = output·stride + tap·dilation −
// padding. Convolutions and pools, and the gradients of both, are walks over these meetings.

export interface AxisGeometry {
  readonly inSize: number;
  readonly outSize: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** Tap `tap` of the window of output position `output` reads input position `input`. */
export interface Meeting {
  readonly output: number;
  readonly tap: number;
  readonly input: number;
}

type PairOf = readonly [number, number];

/** The vertical (0) or the horizontal (1) part of a convolution's or a pool's geometry. */
export function axisOf(
  geometry: {
    readonly inSize: PairOf;
    readonly outSize: PairOf;
    readonly kernelSize: PairOf;
    readonly stride: PairOf;
    readonly padding: PairOf;
    readonly dilation: PairOf;
  },
  axis: 0 | 1,
): AxisGeometry {
  return {
    inSize: geometry.inSize[axis],
    outSize: geometry.outSize[axis],
    kernelSize: geometry.kernelSize[axis],
    stride: geometry.stride[axis],
    padding: geometry.padding[axis],
    dilation: geometry.dilation[axis],
  };
}

/** All meetings inside the input, grouped by one of their three numbers, in ascending order. */
export function meetings(axis: AxisGeometry, by: keyof Meeting): Meeting[][] {
  const sizes = { output: axis.outSize, tap: axis.kernelSize, input: axis.inSize };
  const groups: Meeting[][] = Array.from({ length: sizes[by] }, () => []);
  for (let output = 0; output < axis.outSize; output++) {
    for (let tap = 0; tap < axis.kernelSize; tap++) {
      const input = output * axis.stride + tap * axis.dilation - axis.padding;
      if (input < 0 || input >= axis.inSize) continue;
      const meeting = { output, tap, input };
      groups[meeting[by]]!.push(meeting);
    }
  }
  return groups;
}

/** For each output position, how many taps of its window lie inside the padded input. */
export function tapsInsidePadding(axis: AxisGeometry): number[] {
  const padded = { ...axis, inSize: axis.inSize + 2 * axis.padding, padding: 0 };
  return meetings(padded, "output").map((group) => group.length);
}
