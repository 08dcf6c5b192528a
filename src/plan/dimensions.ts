// Fewer dimensions for the same work: what backends get has no dimension of size 1, and neighbours that
// every operand steps through as if they were one have become one.

import {
  type ElementwiseCall,
  maxRank,
  type ReduceCall,
  type Source,
} from "../backends/kernels.js";
import { ArgumentError } from "../errors.js";
import type { Shape } from "../graph/shape.js";

/** The same call over fewer dimensions. */
export function mergeElementwise(call: ElementwiseCall): ElementwiseCall {
  const { shape, pick } = merged(
    call.shape,
    [...stridesOf(call.sources), ...call.results.map((r) => r.operand.strides)],
    () => true,
  );
  return {
    ...call,
    shape,
    sources: call.sources.map((s) => pickSource(s, pick)),
    results: call.results.map((r) => ({
      ...r,
      operand: { ...r.operand, strides: pick(r.operand.strides) },
    })),
  };
}

/** The same for a reduction: kept and reduced dimensions do not merge. */
export function mergeReduce(call: ReduceCall): ReduceCall {
  const { reduced } = call;
  const { shape, pick } = merged(
    call.shape,
    [...stridesOf(call.sources), call.result.strides],
    (a, b) => reduced[a] === reduced[b],
  );
  return {
    ...call,
    shape,
    reduced: pick(reduced),
    sources: call.sources.map((s) => pickSource(s, pick)),
    result: { ...call.result, strides: pick(call.result.strides) },
  };
}

/** Neighbouring dimensions that every operand steps through as if they were one become one. */
function merged(
  shape: Shape,
  all: readonly (readonly number[])[],
  alike: (a: number, b: number) => boolean,
): { shape: number[]; pick: <T>(perDimension: readonly T[]) => T[] } {
  const groups: { size: number; last: number }[] = [];
  shape.forEach((size, d) => {
    if (size === 1) return;
    const group = groups[groups.length - 1];
    if (
      group &&
      alike(group.last, d) &&
      all.every((strides) => strides[group.last] === strides[d]! * size)
    ) {
      group.size *= size;
      group.last = d;
    } else {
      groups.push({ size, last: d });
    }
  });
  if (groups.length > maxRank) {
    throw new ArgumentError(
      "plan",
      `an operation over ${groups.length} separate dimensions; at most ${maxRank} are supported`,
    );
  }
  return {
    shape: groups.map(({ size }) => size),
    pick: (perDimension) => groups.map(({ last }) => perDimension[last]!),
  };
}

const stridesOf = (sources: readonly Source[]) =>
  sources.flatMap((s) =>
    s.kind === "memory" ? [s.operand.strides] : s.kind === "index" ? [s.strides] : [],
  );

function pickSource(source: Source, pick: (strides: readonly number[]) => number[]): Source {
  if (source.kind === "memory")
    return { ...source, operand: { ...source.operand, strides: pick(source.operand.strides) } };
  return source.kind === "index" ? { ...source, strides: pick(source.strides) } : source;
}
