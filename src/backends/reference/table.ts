// Which function computes which kernel. A kernel that kernels.ts declares and this table lacks is a
// compile error.

import type { KernelCall } from "../kernels.js";
import { conv2d, conv2dGradInput, conv2dGradWeight } from "./conv.js";
import { elementwise } from "./elementwise.js";
import { crossEntropy, crossEntropyGrad } from "./loss.js";
import { matmul } from "./matmul.js";
import type { Memory } from "./memory.js";
import { avgPool2d, avgPool2dGrad, maxPool2d, maxPool2dGrad } from "./pool.js";
import { reduce } from "./reduce.js";

type KernelTable = {
  readonly [Name in KernelCall["kernel"]]: (
    call: Extract<KernelCall, { kernel: Name }>,
    memory: Memory,
  ) => void;
};

const table: KernelTable = {
  elementwise,
  reduce,
  matmul,
  conv2d,
  conv2dGradInput,
  conv2dGradWeight,
  maxPool2d,
  maxPool2dGrad,
  avgPool2d,
  avgPool2dGrad,
  crossEntropy,
  crossEntropyGrad,
};

export function runCall(call: KernelCall, memory: Memory): void {
  // The table's type ties each name to its own call; the compiler cannot follow that through a
  // lookup by a union.
  const kernel = table[call.kernel] as (call: KernelCall, memory: Memory) => void;
  kernel(call, memory);
}
