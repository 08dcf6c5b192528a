// Draft → arena: gives every temporary buffer a window of one arena. A pure function of lifetimes.
// Buffers whose lifetimes overlap never share memory; an elementwise result takes over the memory of
// a source that dies with the call, where both have the same layout. Where there is little of it, no
// others share memory either.

import type { ElementwiseCall, Operand } from "../backends/kernels.js";
import type { Draft } from "./ir.js";
import { type UsesOf, usesIn } from "./uses.js";

const aligned = (bytes: number) => Math.ceil(bytes / 64) * 64;

export interface Lifetime {
  readonly bytes: number;
  /** First and last call that touches the buffer. */
  readonly first: number;
  readonly last: number;
}

export interface Arena {
  /** Arena offset of each temporary buffer, by its number in the draft. */
  readonly offsets: ReadonlyMap<number, number>;
  readonly arenaBytes: number;
}

export function placeInMemory(draft: Draft, uses = usesIn(draft), apartBytes = 0): Arena {
  const lifetimes = lifetimesOf(draft, uses);
  const owner = shareInPlace(draft, lifetimes);
  const apart = setApart(lifetimes);
  const { offsets, bytes } = apart.bytes <= apartBytes ? apart : pack(lifetimes);
  const all = new Map<number, number>();
  draft.buffers.forEach((buffer, b) => {
    if (buffer.kind === "temporary") all.set(b, offsets.get(owner(b)) ?? 0);
  });
  return { offsets: all, arenaBytes: bytes };
}

function lifetimesOf(draft: Draft, uses: UsesOf): Map<number, Lifetime> {
  const lifetimes = new Map<number, Lifetime>();
  draft.calls.forEach((call, i) => {
    const { reads, writes } = uses.of(call);
    for (const buffer of [...reads, ...writes]) {
      const { kind, bytes } = draft.buffers[buffer]!;
      if (kind !== "temporary") continue;
      lifetimes.set(buffer, { bytes, first: lifetimes.get(buffer)?.first ?? i, last: i });
    }
  });
  return lifetimes;
}

/** Merges lifetimes of buffers that can be one; returns who owns each buffer's memory. */
function shareInPlace(draft: Draft, lifetimes: Map<number, Lifetime>): (buffer: number) => number {
  const owners = new Map<number, number>();
  const owner = (b: number): number => owners.get(b) ?? b; // who owns another's memory has its own
  draft.calls.forEach((call, i) => {
    if (call.kernel !== "elementwise") return;
    for (const { operand } of call.results) {
      const b = lifetimes.get(operand.buffer);
      if (b?.first !== i) continue;
      for (const source of call.sources) {
        if (source.kind !== "memory") continue;
        const from = owner(source.operand.buffer);
        const a = lifetimes.get(from);
        if (a?.last !== i || a === b || a.bytes !== b.bytes) continue;
        if (!stepAlike(operand, source.operand) || !readOnceBy(call, source.operand.buffer))
          continue;
        owners.set(operand.buffer, from);
        lifetimes.set(from, { bytes: a.bytes, first: a.first, last: b.last });
        lifetimes.delete(operand.buffer);
        return;
      }
    }
  });
  return owner;
}

/** Whether two operands of a call step through memory alike, element for element. */
const stepAlike = (a: Operand, b: Operand): boolean =>
  a.dtype === b.dtype && a.offset === b.offset && a.strides.every((s, d) => s === b.strides[d]);

const readOnceBy = (call: ElementwiseCall, buffer: number) =>
  call.sources.filter((s) => s.kind === "memory" && s.operand.buffer === buffer).length === 1;

interface Offsets {
  offsets: Map<number, number>;
  bytes: number;
}

/** Each buffer behind the one before. */
function setApart(lifetimes: ReadonlyMap<number, Lifetime>): Offsets {
  const offsets = new Map<number, number>();
  let bytes = 0;
  for (const [buffer, lifetime] of lifetimes) {
    offsets.set(buffer, bytes);
    bytes += aligned(lifetime.bytes);
  }
  return { offsets, bytes };
}

/**
 * Greedy by size (largest first): each buffer goes to the lowest offset where it meets no buffer that
 * lives at the same time (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
 * Inference", 2020).
 */
export function pack(lifetimes: ReadonlyMap<number, Lifetime>): Offsets {
  const order = [...lifetimes].sort(([a, x], [b, y]) => y.bytes - x.bytes || a - b);
  /** By where they start. */
  const placed: { lifetime: Lifetime; start: number; end: number }[] = [];
  const offsets = new Map<number, number>();
  let bytes = 0;
  for (const [buffer, lifetime] of order) {
    const size = aligned(lifetime.bytes);
    let start = 0;
    for (const other of placed) {
      if (!meet(other.lifetime, lifetime)) continue;
      if (start + size <= other.start) break;
      start = Math.max(start, other.end);
    }
    offsets.set(buffer, start);
    const next = placed.findIndex((other) => other.start > start);
    placed.splice(next < 0 ? placed.length : next, 0, { lifetime, start, end: start + size });
    bytes = Math.max(bytes, start + size);
  }
  return { offsets, bytes };
}

const meet = (a: Lifetime, b: Lifetime) => a.first <= b.last && b.first <= a.last;
