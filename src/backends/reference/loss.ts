// Cross-entropy of logits against class numbers, a row at a time, and its gradient. Computed in
// double precision and rounded once.

import { BackendError } from "../../errors.js";
import type { CrossEntropyCall, CrossEntropyGradCall } from "../kernels.js";
import type { Memory, View } from "./memory.js";

/** The class that a row should have; throws if there is no such class. */
function targetOf(kernel: string, target: View, row: number, classes: number): number {
  const value = target.data[target.offset + row * target.strides[0]!]!;
  if (value < 0 || value >= classes) {
    throw new BackendError(`${kernel}: target ${value} at row ${row} is outside [0, ${classes})`);
  }
  return value;
}

/** log Σ_c exp(logits[row,c]), with the largest logit taken out so that nothing overflows. */
function logSumExp({ data, offset, strides }: View, row: number, classes: number): number {
  const first = offset + row * strides[0]!;
  let largest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < classes; c++) largest = Math.max(largest, data[first + c * strides[1]!]!);
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp(data[first + c * strides[1]!]! - largest);
  return largest + Math.log(sum);
}

export function crossEntropy(call: CrossEntropyCall, memory: Memory): void {
  const { rows, classes } = call;
  const logits = memory.source("crossEntropy: logits", call.logits, [rows, classes], "f32");
  const target = memory.source("crossEntropy: target", call.target, [rows], "i32");
  const loss = memory.target("crossEntropy: loss", call.loss, [rows], "f32");
  const [rowStride, classStride] = logits.strides as [number, number];
  for (let r = 0; r < rows; r++) {
    const t = targetOf("crossEntropy", target, r, classes);
    loss.data[loss.offset + r * loss.strides[0]!] =
      logSumExp(logits, r, classes) - logits.data[logits.offset + r * rowStride + t * classStride]!;
  }
}

export function crossEntropyGrad(call: CrossEntropyGradCall, memory: Memory): void {
  const { rows, classes } = call;
  const logits = memory.source("crossEntropyGrad: logits", call.logits, [rows, classes], "f32");
  const target = memory.source("crossEntropyGrad: target", call.target, [rows], "i32");
  const g = memory.source("crossEntropyGrad: g", call.g, [rows], "f32");
  const out = memory.target("crossEntropyGrad: glogits", call.glogits, [rows, classes], "f32");
  const [rowStride, classStride] = logits.strides as [number, number];
  for (let r = 0; r < rows; r++) {
    const t = targetOf("crossEntropyGrad", target, r, classes);
    const scale = g.data[g.offset + r * g.strides[0]!]!;
    const logSum = logSumExp(logits, r, classes);
    for (let c = 0; c < classes; c++) {
      // softmax = exp(logit − logSumExp)
      const logit = logits.data[logits.offset + r * rowStride + c * classStride]!;
      const at = out.offset + r * out.strides[0]! + c * out.strides[1]!;
      out.data[at] = scale * (Math.exp(logit - logSum) - (c === t ? 1 : 0));
    }
  }
}
