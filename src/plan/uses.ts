// Which memory the calls of a draft read and write, and which of them may therefore change places.

import type { KernelCall, Operand } from "../backends/kernels.js";
import { readsAndWrites } from "../backends/operands.js";
import type { State } from "../state.js";
import type { Draft } from "./ir.js";

/** Memory by the number of its first buffer: old and new values of a state lie in the same. */
export interface Uses {
  readonly reads: ReadonlySet<number>;
  readonly writes: ReadonlySet<number>;
}

export interface UsesOf {
  of(call: KernelCall): Uses;
  memory(buffer: number): number;
}

export function usesIn(draft: Draft): UsesOf {
  const states = new Map<State, number>();
  const memories = draft.buffers.map((buffer, b) => {
    if (buffer.kind !== "state") return b;
    const known = states.get(buffer.state) ?? b;
    states.set(buffer.state, known);
    return known;
  });
  const memory = (buffer: number) => memories[buffer]!;
  const known = new Map<KernelCall, Uses>();
  const of = (call: KernelCall): Uses => {
    let uses = known.get(call);
    if (!uses) {
      const { reads, writes } = readsAndWrites(call);
      const all = (operands: readonly Operand[]) => new Set(operands.map((o) => memory(o.buffer)));
      uses = { reads: all(reads), writes: all(writes) };
      known.set(call, uses);
    }
    return uses;
  };
  return { of, memory };
}

/** Whether the order of two calls matters: one writes what the other reads or writes. */
export const conflict = (a: Uses, b: Uses): boolean =>
  meets(a.writes, b.reads) || meets(a.writes, b.writes) || meets(a.reads, b.writes);

export const meets = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean => {
  for (const x of a) if (b.has(x)) return true;
  return false;
};
