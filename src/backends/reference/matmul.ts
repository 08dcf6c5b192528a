// The matmul kernel: c = act(a·b + bias), batched. Sums are taken in double precision and rounded
// once. With an epilogue the whole product is put aside first.

import type { MatmulCall } from "../kernels.js";
import { epilogue } from "./elementwise.js";
import { relu } from "./functions.js";
import type { Memory } from "./memory.js";
import { denseStrides } from "./walk.js";

export function matmul(call: MatmulCall, memory: Memory): void {
  const { batch, m, n, k } = call;
  const a = memory.source("matmul: a", call.a, [batch, m, k], "f32");
  const b = memory.source("matmul: b", call.b, [batch, k, n], "f32");
  const shape = [batch, m, n];
  const aside = { data: new Float64Array(call.epilogue ? batch * m * n : 0), offset: 0 };
  const c = call.c
    ? memory.target("matmul: c", call.c, shape, "f32")
    : { ...aside, strides: denseStrides(shape) };
  const bias = call.bias && memory.source("matmul: bias", call.bias, [n], "f32");
  const aColumn = a.strides[2]!;
  const bRow = b.strides[1]!;

  for (let g = 0; g < batch; g++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let aAt = a.offset + g * a.strides[0]! + i * a.strides[1]!;
        let bAt = b.offset + g * b.strides[0]! + j * b.strides[2]!;
        let sum = bias ? bias.data[bias.offset + j * bias.strides[0]!]! : 0;
        for (let p = 0; p < k; p++) {
          sum += a.data[aAt]! * b.data[bAt]!;
          aAt += aColumn;
          bAt += bRow;
        }
        const cAt = c.offset + g * c.strides[0]! + i * c.strides[1]! + j * c.strides[2]!;
        c.data[cAt] = memory.round(call.activation === "relu" ? relu(sum) : sum);
      }
    }
  }
  if (call.epilogue) epilogue("matmul", shape, call.epilogue, memory, aside.data);
}
