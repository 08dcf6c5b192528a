// Checks a finished program against the rules of the contract: a pass that breaks one shows here, not
// as a wrong number later. Run over every plan that the tests make.

import type { Program } from "../backends/kernels.js";
import { extentOf, operandsOf, readsAndWrites, takesWinograd } from "../backends/operands.js";
import { byteSize } from "../graph/dtype.js";

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

  /** Buffers whose values are intact: a write takes its range of the arena from all others. */
  const valid = new Set<number>();
  program.calls.forEach((call, i) => {
    const { reads, writes } = readsAndWrites(call);
    const at = `call ${i} (${call.kernel})`;
    if ("algorithm" in call && call.algorithm !== "direct" && !takesWinograd(call.geometry))
      problems.push(`${at} has a shape that ${call.algorithm} cannot take`);
    for (const { operand, shape } of operandsOf(call)) {
      const [low, high] = extentOf(operand, shape) ?? [0, -1];
      const bytes = bytesOf(operand.buffer);
      if (low < 0 || (high + 1) * byteSize[operand.dtype] > bytes) {
        problems.push(
          `${at} touches elements ${low}…${high} of buffer ${operand.buffer}, which has ${bytes} bytes`,
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
    for (const [w, write] of writes.entries()) {
      if (writes.slice(0, w).some((other) => overlap(program, other.buffer, write.buffer)))
        problems.push(`${at} writes to buffer ${write.buffer} twice`);
      const spec = program.buffers[write.buffer];
      if (spec?.kind === "input" || spec?.kind === "constant")
        problems.push(`${at} writes to ${spec.kind} buffer ${write.buffer}`);
      for (const { operand: read, isPointwise } of operandsOf(call).filter((u) => !u.isWritten)) {
        if (!overlap(program, read.buffer, write.buffer)) continue;
        const same =
          read.offset === write.offset && read.strides.every((s, d) => s === write.strides[d]);
        if (!isPointwise || !same)
          problems.push(`${at} overwrites buffer ${read.buffer} while it reads it`);
      }
      for (const other of [...valid])
        if (other !== write.buffer && overlap(program, other, write.buffer)) valid.delete(other);
      valid.add(write.buffer);
    }
  });
  return problems;
}

function overlap(program: Program, a: number, b: number): boolean {
  if (a === b) return true;
  const [x, y] = [program.buffers[a], program.buffers[b]];
  if (x?.kind !== "arena" || y?.kind !== "arena") return false;
  return (
    x.offset < y.offset + y.bytes && y.offset < x.offset + x.bytes && x.bytes > 0 && y.bytes > 0
  );
}
