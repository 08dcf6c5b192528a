// What a call costs, counted from its sizes: floating-point operations and bytes moved at least once.

import type { ConvAlgorithm, ConvGeometry, KernelCall, Operand } from "../backends/kernels.js";
import { type OperandUse, operandsOf } from "../backends/operands.js";
import { byteSize } from "../graph/dtype.js";
import { sameShape, sizeOf } from "../graph/shape.js";
import { convMacs } from "../ops/conv.js";

/** Sides of the input tiles of Winograd's algorithms. */
export const winogradTile = {
  winograd6: 6,
  winograd8: 8,
} as const satisfies Partial<Record<ConvAlgorithm, number>>;

/**
 * Multiply-adds of the products that an algorithm takes for a result of `size`: direct convolution's, or α²
 * for each tile, input and output channel, with m = α − r + 1 results a side (Lavin and Gray, 2016, eq. 13).
 * What it takes to transform tiles is not counted.
 */
export function productMacs(
  geometry: ConvGeometry,
  algorithm: ConvAlgorithm,
  size: readonly [height: number, width: number] = geometry.outSize,
): number {
  if (algorithm === "direct") return convMacs(geometry);
  const { batch, inChannels, outChannels, groups, kernelSize } = geometry;
  const side = winogradTile[algorithm];
  const [high, wide] = size.map((n, d) => Math.ceil(n / (side - kernelSize[d]! + 1)));
  return batch * high! * wide! * side ** 2 * (inChannels / groups) * outChannels;
}

/** Floating-point operations that are really done: fewer than `flopsOf` where an algorithm saves some. */
export function flopsDone(call: KernelCall): number {
  switch (call.kernel) {
    case "conv2d":
    case "conv2dGradWeight":
      return 2 * productMacs(call.geometry, call.algorithm);
    case "conv2dGradInput":
      return 2 * productMacs(call.geometry, call.algorithm, call.geometry.inSize);
    default:
      return flopsOf(call);
  }
}

/**
 * Floating-point operations, a multiply-add counted as two; of a convolution those of the direct one, whatever
 * computes it.
 */
export function flopsOf(call: KernelCall): number {
  switch (call.kernel) {
    case "elementwise":
      return sizeOf(call.shape) * call.instructions.length;
    case "reduce":
      return sizeOf(call.shape) * (call.instructions.length + 1);
    case "matmul":
      return (
        call.batch * call.m * call.n * (2 * call.k + (call.epilogue?.instructions.length ?? 0))
      );
    case "conv2d":
    case "conv2dGradInput":
    case "conv2dGradWeight":
      return 2 * convMacs(call.geometry);
    case "maxPool2d":
    case "avgPool2d":
    case "maxPool2dGrad":
    case "avgPool2dGrad": {
      const { batch, channels, outSize, kernelSize } = call.geometry;
      return batch * channels * sizeOf(outSize) * sizeOf(kernelSize);
    }
    case "crossEntropy":
    case "crossEntropyGrad":
      return 4 * call.rows * call.classes;
  }
}

/** The iteration space or result that a call is about, for people. */
export function shapesOf(call: KernelCall): string {
  const by = (values: readonly number[]) => values.join("×");
  switch (call.kernel) {
    case "elementwise":
      return by(call.shape) || "1";
    case "reduce":
      return `${by(call.shape)} → ${by(call.shape.filter((_, d) => !call.reduced[d])) || "1"}`;
    case "matmul":
      return `${call.batch > 1 ? `${call.batch}×` : ""}${call.m}×${call.k} · ${call.k}×${call.n}`;
    case "conv2d":
    case "conv2dGradInput":
    case "conv2dGradWeight": {
      const { batch, inChannels, inSize, outChannels, outSize, kernelSize } = call.geometry;
      return `${batch}×${inChannels}×${by(inSize)} ⋆ ${by(kernelSize)} → ${outChannels}×${by(outSize)}`;
    }
    case "maxPool2d":
    case "avgPool2d":
    case "maxPool2dGrad":
    case "avgPool2dGrad": {
      const { batch, channels, inSize, outSize } = call.geometry;
      return `${batch}×${channels}×${by(inSize)} → ${by(outSize)}`;
    }
    case "crossEntropy":
    case "crossEntropyGrad":
      return `${call.rows}×${call.classes}`;
  }
}

/** How a call computes, where there is a choice, or what its program does. */
export function algorithmOf(call: KernelCall): string {
  if ("algorithm" in call)
    return "activation" in call && call.activation !== "none"
      ? `${call.algorithm} + ${call.activation}`
      : call.algorithm;
  if (call.kernel === "elementwise") return call.instructions.map((i) => i.op).join(" ") || "copy";
  if (call.kernel === "reduce") return [...call.instructions.map((i) => i.op), call.op].join(" ");
  if ("epilogue" in call && call.epilogue)
    return call.epilogue.instructions.map((i) => i.op).join(" ");
  return "activation" in call && call.activation !== "none" ? call.activation : "";
}

/**
 * Bytes that a call reads and bytes that it writes, each element once: windows over the same memory that
 * are moved against each other share most of it.
 */
export function bytesOf(call: KernelCall): number {
  const seen: OperandUse[] = [];
  return operandsOf(call).reduce((sum, use) => {
    const { operand, shape } = use;
    const fresh = Math.min(1, ...seen.map((other) => outside(use, other)));
    seen.push(use);
    return sum + byteSize[operand.dtype] * elements(operand, shape) * fresh;
  }, 0);
}

/** Elements that an operand touches: dimensions of stride 0 are one element repeated. */
function elements(operand: Operand, shape: readonly number[]): number {
  return shape.reduce((product, n, d) => (operand.strides[d] === 0 ? product : product * n), 1);
}

/** Which part of a window lies outside another, where that is the same one moved along a dimension. */
function outside({ operand: a, shape, isWritten }: OperandUse, other: OperandUse): number {
  const b = other.operand;
  const alike =
    a.buffer === b.buffer &&
    isWritten === other.isWritten &&
    sameShape(shape, other.shape) &&
    sameShape(a.strides, b.strides);
  if (!alike) return 1;
  const distance = Math.abs(a.offset - b.offset);
  if (distance === 0) return 0;
  return shape.reduce((least, n, d) => {
    const steps = distance / Math.abs(a.strides[d]!);
    return Number.isInteger(steps) && steps < n ? Math.min(least, steps / n) : least;
  }, 1);
}
