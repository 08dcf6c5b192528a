// Max and average pooling and their gradients. A window that lies in the padding alone gives −∞ (max)
// or 0 (mean) and passes no gradient on.

import type {
  AvgPool2dCall,
  AvgPool2dGradCall,
  MaxPool2dCall,
  MaxPool2dGradCall,
  PoolGeometry,
} from "../kernels.js";
import type { Memory, View } from "./memory.js";
import { axisOf, meetings, tapsInsidePadding } from "./windows.js";

function inShape({ batch, channels, inSize }: PoolGeometry): number[] {
  return [batch, channels, ...inSize];
}

function outShape({ batch, channels, outSize }: PoolGeometry): number[] {
  return [batch, channels, ...outSize];
}

/** The element of a [n, c, h, w] window. */
function at({ offset, strides }: View, n: number, c: number, h: number, w: number): number {
  return offset + n * strides[0]! + c * strides[1]! + h * strides[2]! + w * strides[3]!;
}

export function maxPool2d(call: MaxPool2dCall, memory: Memory): void {
  const { geometry } = call;
  const x = memory.source("maxPool2d: x", call.x, inShape(geometry), "f32");
  const y = memory.target("maxPool2d: y", call.y, outShape(geometry), "f32");
  const index = call.index && memory.target("maxPool2d: index", call.index, outShape(geometry));
  const rows = meetings(axisOf(geometry, 0), "output");
  const columns = meetings(axisOf(geometry, 1), "output");

  for (let n = 0; n < geometry.batch; n++) {
    for (let c = 0; c < geometry.channels; c++) {
      for (let oh = 0; oh < geometry.outSize[0]; oh++) {
        for (let ow = 0; ow < geometry.outSize[1]; ow++) {
          let best = Number.NEGATIVE_INFINITY;
          let place = -1;
          for (const row of rows[oh]!) {
            for (const column of columns[ow]!) {
              const value = x.data[at(x, n, c, row.input, column.input)]!;
              // The first element opens the contest, even if it is −∞; the first NaN ends it.
              if (place < 0 || value > best || (Number.isNaN(value) && !Number.isNaN(best))) {
                best = value;
                place = row.tap * geometry.kernelSize[1] + column.tap;
              }
            }
          }
          y.data[at(y, n, c, oh, ow)] = best;
          if (index) index.data[at(index, n, c, oh, ow)] = Math.max(place, 0);
        }
      }
    }
  }
}

export function maxPool2dGrad(call: MaxPool2dGradCall, memory: Memory): void {
  const { geometry } = call;
  const gy = memory.source("maxPool2dGrad: gy", call.gy, outShape(geometry), "f32");
  const index = memory.source("maxPool2dGrad: index", call.index, outShape(geometry));
  const gx = memory.target("maxPool2dGrad: gx", call.gx, inShape(geometry), "f32");
  const rows = meetings(axisOf(geometry, 0), "input");
  const columns = meetings(axisOf(geometry, 1), "input");

  for (let n = 0; n < geometry.batch; n++) {
    for (let c = 0; c < geometry.channels; c++) {
      for (let h = 0; h < geometry.inSize[0]; h++) {
        for (let w = 0; w < geometry.inSize[1]; w++) {
          // gx[h,w] = Σ gy over the windows that read (h,w) and chose it.
          let sum = 0;
          for (const row of rows[h]!) {
            for (const column of columns[w]!) {
              const chosen = index.data[at(index, n, c, row.output, column.output)]!;
              if (chosen === row.tap * geometry.kernelSize[1] + column.tap) {
                sum += gy.data[at(gy, n, c, row.output, column.output)]!;
              }
            }
          }
          gx.data[at(gx, n, c, h, w)] = sum;
        }
      }
    }
  }
}

/** What the sum of each window is divided by, as rows × columns. */
function divisors(geometry: PoolGeometry, countPadding: boolean): [number[], number[]] {
  const along = (axis: 0 | 1) =>
    countPadding
      ? tapsInsidePadding(axisOf(geometry, axis))
      : meetings(axisOf(geometry, axis), "output").map((window) => window.length);
  return [along(0), along(1)];
}

export function avgPool2d(call: AvgPool2dCall, memory: Memory): void {
  const { geometry } = call;
  const x = memory.source("avgPool2d: x", call.x, inShape(geometry), "f32");
  const y = memory.target("avgPool2d: y", call.y, outShape(geometry), "f32");
  const rows = meetings(axisOf(geometry, 0), "output");
  const columns = meetings(axisOf(geometry, 1), "output");
  const [rowCounts, columnCounts] = divisors(geometry, call.countPadding);

  for (let n = 0; n < geometry.batch; n++) {
    for (let c = 0; c < geometry.channels; c++) {
      for (let oh = 0; oh < geometry.outSize[0]; oh++) {
        for (let ow = 0; ow < geometry.outSize[1]; ow++) {
          let sum = 0;
          for (const row of rows[oh]!) {
            for (const column of columns[ow]!) {
              sum += x.data[at(x, n, c, row.input, column.input)]!;
            }
          }
          const count = rowCounts[oh]! * columnCounts[ow]!;
          y.data[at(y, n, c, oh, ow)] = count === 0 ? 0 : sum / count;
        }
      }
    }
  }
}

export function avgPool2dGrad(call: AvgPool2dGradCall, memory: Memory): void {
  const { geometry } = call;
  const gy = memory.source("avgPool2dGrad: gy", call.gy, outShape(geometry), "f32");
  const gx = memory.target("avgPool2dGrad: gx", call.gx, inShape(geometry), "f32");
  const rows = meetings(axisOf(geometry, 0), "input");
  const columns = meetings(axisOf(geometry, 1), "input");
  const [rowCounts, columnCounts] = divisors(geometry, call.countPadding);

  for (let n = 0; n < geometry.batch; n++) {
    for (let c = 0; c < geometry.channels; c++) {
      for (let h = 0; h < geometry.inSize[0]; h++) {
        for (let w = 0; w < geometry.inSize[1]; w++) {
          // Each window that reads (h,w) hands it an equal share of its gradient.
          let sum = 0;
          for (const row of rows[h]!) {
            for (const column of columns[w]!) {
              const count = rowCounts[row.output]! * columnCounts[column.output]!;
              sum += gy.data[at(gy, n, c, row.output, column.output)]! / count;
            }
          }
          gx.data[at(gx, n, c, h, w)] = sum;
        }
      }
    }
  }
}
