// Max and average pooling. Max pooling remembers which element of each window won, as a position
// inside the window (a byte for all usual windows): that is all its gradient needs.

import type { PoolGeometry } from "../backends/kernels.js";
import { ArgumentError, ShapeError } from "../errors.js";
import type { DType } from "../graph/dtype.js";
import { make, type Node, type Op } from "../graph/node.js";
import { showShape } from "../graph/shape.js";
import { type PairLike, pair, windowCount } from "./conv.js";
import { extra } from "./extra.js";
import { requireF32 } from "./matmul.js";

/** Options of a pool, as PyTorch names and defaults them: the stride is the window's size. */
export interface PoolOptions {
  readonly stride?: PairLike;
  readonly padding?: PairLike;
  readonly ceilMode?: boolean;
}

interface PoolAttrs {
  readonly geometry: PoolGeometry;
  readonly countPadding: boolean;
}

const xShape = ({ batch, channels, inSize }: PoolGeometry) => [batch, channels, ...inSize];
const yShape = ({ batch, channels, outSize }: PoolGeometry) => [batch, channels, ...outSize];
const indexType = ({ kernelSize: [kh, kw] }: PoolGeometry): DType =>
  kh * kw <= 256 ? "u8" : "i32";

const maxPoolOp: Op<PoolAttrs> = {
  name: "maxPool2d",
  infer: (_, { geometry }) => ({ shape: yShape(geometry), dtype: "f32" }),
  extras: (_, { geometry }) => [{ shape: yShape(geometry), dtype: indexType(geometry) }],
  gradient: (g, node) => [make(maxPoolGradOp, [g, extra(node as Node, 0)], node.attrs)],
  lower: {
    kind: "kernel",
    channelsLast: true,
    call: ({ attrs: { geometry } }, [x], [y, index]) => ({
      kernel: "maxPool2d",
      geometry,
      x: x!,
      y: y!,
      ...(index && { index }),
    }),
  },
};

const maxPoolGradOp: Op<PoolAttrs> = {
  name: "maxPool2dGrad",
  infer: (_, { geometry }) => ({ shape: xShape(geometry), dtype: "f32" }),
  route: ({ inputs: [, index], attrs }) => {
    const pooled = index!.inputs[0]!;
    return {
      far: pooled.inputs[0]!,
      near: pooled,
      of: (g) => make(maxPoolGradOp, [g, index!], attrs),
    };
  },
  lower: {
    kind: "kernel",
    channelsLast: true,
    call: ({ attrs: { geometry } }, [gy, index], [gx]) => ({
      kernel: "maxPool2dGrad",
      geometry,
      gy: gy!,
      index: index!,
      gx: gx!,
    }),
  },
};

const avgPoolOp: Op<PoolAttrs> = {
  name: "avgPool2d",
  infer: (_, { geometry }) => ({ shape: yShape(geometry), dtype: "f32" }),
  gradient: (g, { attrs }) => [make(avgPoolGradOp, [g], attrs)],
  lower: {
    kind: "kernel",
    channelsLast: true,
    call: ({ attrs: { geometry, countPadding } }, [x], [y]) => ({
      kernel: "avgPool2d",
      geometry,
      countPadding,
      x: x!,
      y: y!,
    }),
  },
};

const avgPoolGradOp: Op<PoolAttrs> = {
  name: "avgPool2dGrad",
  infer: (_, { geometry }) => ({ shape: xShape(geometry), dtype: "f32" }),
  gradient: (g, { attrs }) => [make(avgPoolOp, [g], attrs)],
  lower: {
    kind: "kernel",
    channelsLast: true,
    call: ({ attrs: { geometry, countPadding } }, [gy], [gx]) => ({
      kernel: "avgPool2dGrad",
      geometry,
      countPadding,
      gy: gy!,
      gx: gx!,
    }),
  },
};

/** The largest value of each window; x [n, c, h, w]. Padding never wins. */
export function maxPool2d(
  x: Node,
  kernelSize: PairLike,
  options: PoolOptions & { readonly dilation?: PairLike } = {},
): Node {
  const geometry = poolGeometry("maxPool2d", x, kernelSize, options, pair(options.dilation ?? 1));
  return make(maxPoolOp, [x], { geometry, countPadding: false });
}

/** The mean of each window; x [n, c, h, w]. Padding counts as zeros unless countIncludePad is false. */
export function avgPool2d(
  x: Node,
  kernelSize: PairLike,
  options: PoolOptions & { readonly countIncludePad?: boolean } = {},
): Node {
  const geometry = poolGeometry("avgPool2d", x, kernelSize, options, [1, 1]);
  return make(avgPoolOp, [x], { geometry, countPadding: options.countIncludePad ?? true });
}

function poolGeometry(
  op: string,
  x: Node,
  size: PairLike,
  options: PoolOptions,
  dilation: readonly [number, number],
): PoolGeometry {
  if (x.shape.length !== 4)
    throw new ShapeError(op, `expects an input [n, c, h, w], got ${showShape(x.shape)}`, [x.shape]);
  requireF32(op, x);
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const kernelSize = pair(size);
  const stride = pair(options.stride ?? size);
  const padding = pair(options.padding ?? 0);
  if (padding[0] * 2 > kernelSize[0] || padding[1] * 2 > kernelSize[1]) {
    throw new ArgumentError(
      op,
      `padding must be at most half of the window, got padding ${showShape(padding)} for window ${showShape(kernelSize)}`,
    );
  }
  const outSize = windowCount(
    op,
    [height, width],
    kernelSize,
    stride,
    padding,
    dilation,
    options.ceilMode ?? false,
  );
  return {
    batch,
    channels,
    inSize: [height, width],
    outSize,
    kernelSize,
    stride,
    padding,
    dilation,
  };
}
