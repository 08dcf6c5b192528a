// What the passes between the graph and a finished program work on: kernel calls over virtual
// buffers, not yet ordered for good and without places in memory.

import type { KernelCall, Operand } from "../backends/kernels.js";
import type { TypedArray } from "../graph/dtype.js";
import type { Binding } from "../graph/node.js";
import type { State } from "../state.js";

/** Memory that calls refer to by its position in `Draft.buffers`. */
export type VirtualBuffer = { readonly bytes: number } & (
  | { readonly kind: "temporary" }
  | { readonly kind: "input"; readonly binding: Binding }
  /** `fresh`: the same memory after its update; what reads the old values must run before. */
  | { readonly kind: "state"; readonly state: State; readonly fresh: boolean }
  | { readonly kind: "output"; readonly index: number }
  | { readonly kind: "constant"; readonly data: TypedArray }
);

/** A plan in the making. */
export interface Draft {
  readonly buffers: readonly VirtualBuffer[];
  readonly calls: readonly KernelCall[];
}

/** The operands that a call reads and those that it writes. */
export function operandsOf(call: KernelCall): {
  reads: readonly Operand[];
  writes: readonly Operand[];
} {
  const memory = (sources: Extract<KernelCall, { kernel: "elementwise" }>["sources"]) =>
    sources.flatMap((s) => (s.kind === "memory" ? [s.operand] : []));
  const maybe = (operand: Operand | undefined) => (operand ? [operand] : []);
  switch (call.kernel) {
    case "elementwise":
      return { reads: memory(call.sources), writes: call.results.map((r) => r.operand) };
    case "reduce":
      return { reads: memory(call.sources), writes: [call.result] };
    case "matmul":
      return { reads: [call.a, call.b, ...maybe(call.bias)], writes: [call.c] };
    case "conv2d":
      return { reads: [call.x, call.w, ...maybe(call.bias)], writes: [call.y] };
    case "conv2dGradInput":
      return { reads: [call.gy, call.w], writes: [call.gx] };
    case "conv2dGradWeight":
      return { reads: [call.x, call.gy], writes: [call.gw] };
    case "maxPool2d":
      return { reads: [call.x], writes: [call.y, ...maybe(call.index)] };
    case "maxPool2dGrad":
      return { reads: [call.gy, call.index], writes: [call.gx] };
    case "avgPool2d":
      return { reads: [call.x], writes: [call.y] };
    case "avgPool2dGrad":
      return { reads: [call.gy], writes: [call.gx] };
    case "crossEntropy":
      return { reads: [call.logits, call.target], writes: [call.loss] };
    case "crossEntropyGrad":
      return { reads: [call.logits, call.target, call.g], writes: [call.glogits] };
  }
}

/** The same call with every operand's buffer renumbered. */
export function renumber(call: KernelCall, place: (buffer: number) => number): KernelCall {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, v]) => [
      key,
      key === "buffer" ? place(v as number) : walk(v),
    ]);
    return Object.fromEntries(entries);
  };
  return walk(call) as KernelCall;
}
