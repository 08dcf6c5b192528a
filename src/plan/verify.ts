// Checks a finished program against the rules of the contract: a pass that breaks one shows here, not
// as a wrong number later. Run over every plan that the tests make.

import type { Operand, Program } from "../backends/kernels.js";
import { byteSize } from "../graph/dtype.js";
import { extents } from "./cost.js";
import { operandsOf } from "./ir.js";

/** One sentence for each broken rule; none if the program is sound. */
export function verify(program: Program): string[] {
  const problems: string[] = [];
  const bytesOf = (b: number) => {
    const spec = program.buffers[b];
    return spec === undefined ? -1 : spec.kind === "constant" ? spec.data.byteLength : spec.bytes;
  };

  program.buffers.forEach((spec, b) => {
    if (spec.kind !== "arena") return;
    if (spec.offset % 64 !== 0)
      problems.push(`buffer ${b} starts at ${spec.offset}, not at a multiple of 64`);
    if (spec.offset + spec.bytes > program.arenaBytes)
      problems.push(`buffer ${b} ends behind the arena`);
  });

  /** Which buffer's values each arena byte range holds: a write takes its range from all others. */
  const valid = new Set<number>();
  program.calls.forEach((call, i) => {
    const { reads, writes } = operandsOf(call);
    const shapeOf = extents(call);
    const at = `call ${i} (${call.kernel})`;
    for (const operand of [...reads, ...writes]) {
      const { low, high } = reach(operand, shapeOf(operand));
      const bytes = bytesOf(operand.buffer);
      if (low < 0 || high * byteSize[operand.dtype] > bytes) {
        problems.push(
          `${at} touches elements ${low}…${high - 1} of buffer ${operand.buffer}, which has ${bytes} bytes`,
        );
      }
    }
    for (const { buffer } of reads) {
      const kind = program.buffers[buffer]?.kind;
      if ((kind === "arena" || kind === "output") && !valid.has(buffer)) {
        problems.push(
          `${at} reads buffer ${buffer}, which no call before it has written (or another has overwritten)`,
        );
      }
    }
    for (const write of writes) {
      const spec = program.buffers[write.buffer];
      if (spec?.kind === "input" || spec?.kind === "constant")
        problems.push(`${at} writes to ${spec.kind} buffer ${write.buffer}`);
      for (const read of reads) {
        if (!overlap(program, read.buffer, write.buffer)) continue;
        const same =
          read.offset === write.offset && read.strides.every((s, d) => s === write.strides[d]);
        if (call.kernel !== "elementwise" || !same)
          problems.push(`${at} overwrites buffer ${read.buffer} while it reads it`);
      }
      for (const other of [...valid])
        if (other !== write.buffer && overlap(program, other, write.buffer)) valid.delete(other);
      valid.add(write.buffer);
    }
  });
  return problems;
}

/** The lowest element that an operand touches, and one past the highest. */
function reach(operand: Operand, shape: readonly number[]): { low: number; high: number } {
  if (shape.some((n) => n === 0)) return { low: 0, high: 0 };
  let [low, high] = [operand.offset, operand.offset];
  shape.forEach((n, d) => {
    const span = (n - 1) * operand.strides[d]!;
    if (span < 0) low += span;
    else high += span;
  });
  return { low, high: high + 1 };
}

function overlap(program: Program, a: number, b: number): boolean {
  if (a === b) return true;
  const [x, y] = [program.buffers[a], program.buffers[b]];
  if (x?.kind !== "arena" || y?.kind !== "arena") return false;
  return (
    x.offset < y.offset + y.bytes && y.offset < x.offset + x.bytes && x.bytes > 0 && y.bytes > 0
  );
}
