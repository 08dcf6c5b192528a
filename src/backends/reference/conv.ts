// Direct 2-D convolution and its two gradients, for any strides, groups and dilation. Sums are
// taken in double precision and rounded once.

import type {
  Conv2dCall,
  Conv2dGradInputCall,
  Conv2dGradWeightCall,
  ConvGeometry,
} from "../kernels.js";
import { relu } from "./functions.js";
import type { Memory } from "./memory.js";
import { axisOf, meetings } from "./windows.js";

/** Shapes of a convolution's operands, and the channels of one group. */
function shapesOf(geometry: ConvGeometry) {
  const { batch, inChannels, outChannels, groups, inSize, outSize, kernelSize } = geometry;
  const groupIn = inChannels / groups;
  return {
    groupIn,
    groupOut: outChannels / groups,
    x: [batch, inChannels, ...inSize],
    w: [outChannels, groupIn, ...kernelSize],
    y: [batch, outChannels, ...outSize],
  };
}

/** y[n,k,oh,ow] = act( bias[k] + Σ_(c,i,j) x[n,c,oh·s+i·d−p, …] · w[k,c,i,j] ). */
export function conv2d(call: Conv2dCall, memory: Memory): void {
  const { geometry } = call;
  const { groupIn, groupOut, ...shapes } = shapesOf(geometry);
  const x = memory.source("conv2d: x", call.x, shapes.x, "f32");
  const w = memory.source("conv2d: w", call.w, shapes.w, "f32");
  const y = memory.target("conv2d: y", call.y, shapes.y, "f32");
  const bias = call.bias && memory.source("conv2d: bias", call.bias, [geometry.outChannels], "f32");
  const [xN, xC, xH, xW] = x.strides as [number, number, number, number];
  const [wK, wC, wH, wW] = w.strides as [number, number, number, number];
  const [yN, yK, yH, yW] = y.strides as [number, number, number, number];
  const rows = meetings(axisOf(geometry, 0), "output");
  const columns = meetings(axisOf(geometry, 1), "output");

  for (let n = 0; n < geometry.batch; n++) {
    for (let k = 0; k < geometry.outChannels; k++) {
      const xGroup = x.offset + n * xN + Math.floor(k / groupOut) * groupIn * xC;
      const wFilter = w.offset + k * wK;
      const start = bias ? bias.data[bias.offset + k * bias.strides[0]!]! : 0;
      for (let oh = 0; oh < geometry.outSize[0]; oh++) {
        for (let ow = 0; ow < geometry.outSize[1]; ow++) {
          let sum = start;
          for (const row of rows[oh]!) {
            for (const column of columns[ow]!) {
              let xAt = xGroup + row.input * xH + column.input * xW;
              let wAt = wFilter + row.tap * wH + column.tap * wW;
              for (let c = 0; c < groupIn; c++) {
                sum += x.data[xAt]! * w.data[wAt]!;
                xAt += xC;
                wAt += wC;
              }
            }
          }
          const yAt = y.offset + n * yN + k * yK + oh * yH + ow * yW;
          y.data[yAt] = call.activation === "relu" ? relu(sum) : sum;
        }
      }
    }
  }
}

/** gx[n,c,h,w] = Σ gy[n,k,oh,ow] · w[k,c,i,j] over all (k,oh,ow,i,j) whose window reads (h,w). */
export function conv2dGradInput(call: Conv2dGradInputCall, memory: Memory): void {
  const { geometry } = call;
  const { groupIn, groupOut, ...shapes } = shapesOf(geometry);
  const gy = memory.source("conv2dGradInput: gy", call.gy, shapes.y, "f32");
  const w = memory.source("conv2dGradInput: w", call.w, shapes.w, "f32");
  const gx = memory.target("conv2dGradInput: gx", call.gx, shapes.x, "f32");
  const mask = call.mask && memory.source("conv2dGradInput: mask", call.mask, shapes.x, "f32");
  const [yN, yK, yH, yW] = gy.strides as [number, number, number, number];
  const [wK, wC, wH, wW] = w.strides as [number, number, number, number];
  const rows = meetings(axisOf(geometry, 0), "input");
  const columns = meetings(axisOf(geometry, 1), "input");

  for (let n = 0; n < geometry.batch; n++) {
    for (let c = 0; c < geometry.inChannels; c++) {
      const firstK = Math.floor(c / groupIn) * groupOut;
      const gyGroup = gy.offset + n * yN + firstK * yK;
      const wGroup = w.offset + firstK * wK + (c % groupIn) * wC;
      for (let h = 0; h < geometry.inSize[0]; h++) {
        for (let v = 0; v < geometry.inSize[1]; v++) {
          let sum = 0;
          for (const row of rows[h]!) {
            for (const column of columns[v]!) {
              let gyAt = gyGroup + row.output * yH + column.output * yW;
              let wAt = wGroup + row.tap * wH + column.tap * wW;
              for (let k = 0; k < groupOut; k++) {
                sum += gy.data[gyAt]! * w.data[wAt]!;
                gyAt += yK;
                wAt += wK;
              }
            }
          }
          const isMasked = mask && mask.data[at(mask, [n, c, h, v])]! <= 0;
          gx.data[at(gx, [n, c, h, v])] = isMasked ? 0 : sum;
        }
      }
    }
  }
}

/** Where the element at `index` of a strided window is. */
function at(
  { offset, strides }: { offset: number; strides: readonly number[] },
  index: readonly number[],
): number {
  return index.reduce((sum, i, d) => sum + i * strides[d]!, offset);
}

/** gw[k,c,i,j] = Σ_(n,oh,ow) gy[n,k,oh,ow] · x[n,c,oh·s+i·d−p, …]. */
export function conv2dGradWeight(call: Conv2dGradWeightCall, memory: Memory): void {
  const { geometry } = call;
  const { groupIn, groupOut, ...shapes } = shapesOf(geometry);
  const x = memory.source("conv2dGradWeight: x", call.x, shapes.x, "f32");
  const gy = memory.source("conv2dGradWeight: gy", call.gy, shapes.y, "f32");
  const gw = memory.target("conv2dGradWeight: gw", call.gw, shapes.w, "f32");
  const [xN, xC, xH, xW] = x.strides as [number, number, number, number];
  const [yN, yK, yH, yW] = gy.strides as [number, number, number, number];
  const [wK, wC, wH, wW] = gw.strides as [number, number, number, number];
  const rows = meetings(axisOf(geometry, 0), "tap");
  const columns = meetings(axisOf(geometry, 1), "tap");

  for (let k = 0; k < geometry.outChannels; k++) {
    for (let c = 0; c < groupIn; c++) {
      const xChannel = x.offset + (Math.floor(k / groupOut) * groupIn + c) * xC;
      const gyChannel = gy.offset + k * yK;
      for (let i = 0; i < geometry.kernelSize[0]; i++) {
        for (let j = 0; j < geometry.kernelSize[1]; j++) {
          let sum = 0;
          for (let n = 0; n < geometry.batch; n++) {
            for (const row of rows[i]!) {
              const xRow = xChannel + n * xN + row.input * xH;
              const gyRow = gyChannel + n * yN + row.output * yH;
              for (const column of columns[j]!) {
                sum += x.data[xRow + column.input * xW]! * gy.data[gyRow + column.output * yW]!;
              }
            }
          }
          gw.data[gw.offset + k * wK + c * wC + i * wH + j * wW] = sum;
        }
      }
    }
  }
  if (!call.gbias) return;
  const gbias = memory.target("conv2dGradWeight: gbias", call.gbias, [geometry.outChannels], "f32");
  for (let k = 0; k < geometry.outChannels; k++) {
    let sum = 0;
    for (let n = 0; n < geometry.batch; n++) {
      for (let oh = 0; oh < geometry.outSize[0]; oh++) {
        for (let ow = 0; ow < geometry.outSize[1]; ow++) sum += gy.data[at(gy, [n, k, oh, ow])]!;
      }
    }
    gbias.data[at(gbias, [k])] = sum;
  }
}
