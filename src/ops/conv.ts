// Two-dimensional convolution and its two gradients, which are convolutions themselves: each is an op
// of its own, and their gradients are each other.

import type { Activation, ConvGeometry } from "../backends/kernels.js";
import { ArgumentError, ShapeError } from "../errors.js";
import { make, type Node, type Op } from "../graph/node.js";
import { showShape, sizeOf } from "../graph/shape.js";
import { requireF32 } from "./matmul.js";
import { sum } from "./reduce.js";

export type Pair = readonly [height: number, width: number];
export type PairLike = number | Pair;

export const pair = (value: PairLike): Pair => (typeof value === "number" ? [value, value] : value);

/** Options of a convolution, as PyTorch names and defaults them. */
export interface ConvOptions {
  readonly stride?: PairLike;
  readonly padding?: PairLike;
  readonly dilation?: PairLike;
  readonly groups?: number;
}

interface ConvAttrs {
  readonly geometry: ConvGeometry;
  readonly activation: Activation;
}

const xShape = ({ batch, inChannels, inSize }: ConvGeometry) => [batch, inChannels, ...inSize];
const yShape = ({ batch, outChannels, outSize }: ConvGeometry) => [batch, outChannels, ...outSize];
const wShape = ({ inChannels, outChannels, groups, kernelSize }: ConvGeometry) => [
  outChannels,
  inChannels / groups,
  ...kernelSize,
];

/** Multiply-adds of a convolution, the same in each of its three passes. */
export function convMacs({
  batch,
  inChannels,
  outChannels,
  groups,
  outSize,
  kernelSize,
}: ConvGeometry): number {
  return batch * outChannels * sizeOf(outSize) * (inChannels / groups) * sizeOf(kernelSize);
}

const plain = ({ geometry }: ConvAttrs): ConvAttrs => ({ geometry, activation: "none" });

/** y = x ⋆ w + bias; x [n, c, h, w], w [o, c/groups, kh, kw], bias [o]. */
const convOp: Op<ConvAttrs> = {
  name: "conv2d",
  infer: (_, { geometry }) => ({ shape: yShape(geometry), dtype: "f32" }),
  gradient: (g, { inputs: [x, w, bias], attrs }) => [
    make(gradInputOp, [g, w!], plain(attrs)),
    make(gradWeightOp, [x!, g], plain(attrs)),
    ...(bias ? [sum(g, [0, 2, 3])] : []),
  ],
  macs: ({ attrs: { geometry } }) => convMacs(geometry),
  lower: {
    kind: "kernel",
    channelsLast: true,
    withActivation: (attrs) =>
      attrs.activation === "none" ? { ...attrs, activation: "relu" } : undefined,
    call: ({ attrs: { geometry, activation } }, [x, w, bias], [y]) => ({
      kernel: "conv2d",
      geometry,
      algorithm: "direct",
      x: x!,
      w: w!,
      y: y!,
      ...(bias && { bias }),
      activation,
    }),
  },
};

/** What x receives from the gradient of y: gy spread through w; 0 where a mask, if given, is ≤ 0. */
const gradInputOp: Op<ConvAttrs> = {
  name: "conv2dGradInput",
  infer: (_, { geometry }) => ({ shape: xShape(geometry), dtype: "f32" }),
  gradient: (g, { inputs: [gy, w], attrs }) => [
    make(convOp, [g, w!], plain(attrs)),
    make(gradWeightOp, [g, gy!], plain(attrs)),
  ],
  lower: {
    kind: "kernel",
    channelsLast: true,
    withMask: ([gy, w, before], mask) => (before ? undefined : [gy!, w!, mask]),
    call: ({ attrs: { geometry } }, [gy, w, mask], [gx]) => ({
      kernel: "conv2dGradInput",
      geometry,
      algorithm: "direct",
      gy: gy!,
      w: w!,
      gx: gx!,
      ...(mask && { mask }),
    }),
  },
};

/** What w receives: x correlated with gy. Beside it, what the bias does: the sums of gy. */
const gradWeightOp: Op<ConvAttrs> = {
  name: "conv2dGradWeight",
  infer: (_, { geometry }) => ({ shape: wShape(geometry), dtype: "f32" }),
  extras: (_, { geometry }) => [{ shape: [1, geometry.outChannels, 1, 1], dtype: "f32" }],
  gradient: (g, { inputs: [x, gy], attrs }) => [
    make(gradInputOp, [gy!, g], plain(attrs)),
    make(convOp, [x!, g], plain(attrs)),
  ],
  lower: {
    kind: "kernel",
    sums: { input: 1, dims: [0, 2, 3], extra: 0 },
    call: ({ attrs: { geometry } }, [x, gy], [gw, gbias]) => ({
      kernel: "conv2dGradWeight",
      geometry,
      algorithm: "direct",
      x: x!,
      gy: gy!,
      gw: gw!,
      ...(gbias && { gbias: { ...gbias, strides: [gbias.strides[1]!] } }),
    }),
  },
};

/**
 * PyTorch's conv2d: x [n, c, h, w] ⋆ w [o, c/groups, kh, kw] + bias [o] → [n, o, h', w'] with
 * h' = ⌊(h + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1.
 */
export function conv2d(x: Node, w: Node, bias: Node | undefined, options: ConvOptions = {}): Node {
  const [stride, padding, dilation] = [
    pair(options.stride ?? 1),
    pair(options.padding ?? 0),
    pair(options.dilation ?? 1),
  ];
  const groups = options.groups ?? 1;
  if (x.shape.length !== 4 || w.shape.length !== 4) {
    throw new ShapeError(
      "conv2d",
      `expects an input [n, c, h, w] and a weight [o, c, kh, kw], got ${showShape(x.shape)} and ${showShape(w.shape)}`,
      [x.shape, w.shape],
    );
  }
  requireF32("conv2d", x, w, ...(bias ? [bias] : []));
  const [batch, inChannels, height, width] = x.shape as [number, number, number, number];
  const [outChannels, perGroup, kh, kw] = w.shape as [number, number, number, number];
  if (outChannels === 0 || perGroup === 0) {
    throw new ShapeError(
      "conv2d",
      `weight needs at least one output and one input channel, got ${showShape(w.shape)}`,
      [w.shape],
    );
  }
  if (inChannels !== perGroup * groups) {
    throw new ShapeError(
      "conv2d",
      `weight expects ${perGroup * groups} input channels, got ${inChannels} (input ${showShape(x.shape)}); pass inChannels: ${inChannels}`,
      [x.shape, w.shape],
    );
  }
  if (outChannels % groups !== 0)
    throw new ArgumentError(
      "conv2d",
      `${outChannels} output channels cannot be split into ${groups} groups`,
    );
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outChannels)) {
    throw new ShapeError(
      "conv2d",
      `bias must be [${outChannels}], one number for each output channel, got ${showShape(bias.shape)}`,
      [bias.shape],
    );
  }
  const geometry: ConvGeometry = {
    batch,
    inChannels,
    outChannels,
    groups,
    inSize: [height, width],
    outSize: windowCount("conv2d", [height, width], [kh, kw], stride, padding, dilation, false),
    kernelSize: [kh, kw],
    stride,
    padding,
    dilation,
  };
  return make(convOp, [x, w, ...(bias ? [bias] : [])], plain({ geometry, activation: "none" }));
}

/** How many windows fit along height and width. In ceil mode the last may hang over the far edge. */
export function windowCount(
  op: string,
  size: Pair,
  kernel: Pair,
  stride: Pair,
  padding: Pair,
  dilation: Pair,
  ceil: boolean,
): Pair {
  const along = (d: 0 | 1): number => {
    const whole = (n: number, least: number, name: string) => {
      if (!Number.isInteger(n) || n < least)
        throw new ArgumentError(op, `${name} must be a whole number ≥ ${least}, got ${n}`);
    };
    whole(kernel[d], 1, "kernelSize");
    whole(stride[d], 1, "stride");
    whole(dilation[d], 1, "dilation");
    whole(padding[d], 0, "padding");
    const room = size[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
    // in ceil mode also the first window may hang over
    if (room < (ceil ? 1 - stride[d] : 0)) {
      throw new ShapeError(
        op,
        `a window of ${dilation[d] * (kernel[d] - 1) + 1} does not fit into ${d === 0 ? "height" : "width"} ${size[d]} with padding ${padding[d]}; use a larger image or a smaller kernel`,
        [size],
      );
    }
    const count = (ceil ? Math.ceil : Math.floor)(room / stride[d]) + 1;
    // PyTorch drops a last window that would start in the padding behind the image
    return ceil && (count - 1) * stride[d] >= size[d] + padding[d] ? count - 1 : count;
  };
  return [along(0), along(1)];
}
