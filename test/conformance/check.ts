// Holds a case against one or several backends: results within their bounds of the float64 oracle
// (or equal to the f32 reference), all else untouched, and the same bits from backends of one group.

import type { Backend } from "../../src/backends/backend.js";
import { openReference } from "../../src/backends/reference/index.js";
import { pointCount, Walker } from "../../src/backends/reference/walk.js";
import type { TypedArray } from "../../src/graph/dtype.js";
import type { Case, ResultWindow } from "./build.js";
import { type OracleArray, runCall, runOracle } from "./run.js";

const reference = openReference();

/** For each buffer, which elements the call may write. */
function writable(buffers: readonly TypedArray[], results: readonly ResultWindow[]): Uint8Array[] {
  const masks = buffers.map((data) => new Uint8Array(data.length));
  for (const { operand, shape } of results) {
    const walker = new Walker(shape, operand.offset, operand.strides);
    for (let i = pointCount(shape); i > 0; i--) masks[operand.buffer]![walker.next()] = 1;
  }
  return masks;
}

/** For each buffer, how far each element may be from the expected one. */
async function tolerances(
  { bound }: Case,
  expected: readonly OracleArray[],
): Promise<Float64Array[]> {
  if (bound === "exact") return expected.map((data) => new Float64Array(data.length));
  const of = bound.of ?? expected;
  const scale = "call" in of ? await runOracle(of) : of;
  return scale.map((data) =>
    data instanceof Float64Array
      ? data.map((value) => bound.factor * Math.abs(value) + bound.floor)
      : new Float64Array(data.length),
  );
}

function agrees(came: number, expected: number, tolerance: number): boolean {
  if (Number.isNaN(expected)) return Number.isNaN(came);
  // Both infinities, too; and an oracle beyond f32's range is an infinity in f32.
  if (came === expected || came === Math.fround(expected)) return true;
  return Math.abs(came - expected) <= tolerance;
}

/** Throws with the first element that is wrong. The backends must all give the same bits. */
export async function check(test: Case, backends: readonly Backend[]): Promise<void> {
  const expected = test.bound === "exact" ? await runCall(reference, test) : await runOracle(test);
  const allowed = await tolerances(test, expected);
  const masks = writable(test.buffers, test.results);
  // All at the same time: a backend must not be disturbed by another.
  const all = await Promise.all(backends.map((backend) => runCall(backend, test)));
  let first: TypedArray[] | undefined;
  for (const [at, came] of all.entries()) {
    const backend = backends[at]!;
    came.forEach((data, buffer) => {
      for (let i = 0; i < data.length; i++) {
        const isResult = masks[buffer]![i] === 1;
        const wanted = isResult ? expected[buffer]![i]! : test.buffers[buffer]![i]!;
        const tolerance = isResult ? allowed[buffer]![i]! : 0;
        if (agrees(data[i]!, wanted, tolerance)) continue;
        const what = isResult
          ? `expected ${wanted} ± ${tolerance}`
          : `not to be touched: ${wanted}`;
        throw new Error(
          `${backend.description}: ${test.call.kernel}: buffer ${buffer}, element ${i}: ` +
            `${what}, got ${data[i]}`,
        );
      }
    });
    first ??= came;
    came.forEach((data, buffer) => {
      assertSameBits(data, first![buffer]!, `${backend.description}: buffer ${buffer}`);
    });
  }
}

function assertSameBits(came: TypedArray, first: TypedArray, what: string): void {
  const bits = [came, first].map((data) => new Uint8Array(data.buffer));
  const at = bits[0]!.findIndex((byte, i) => byte !== bits[1]![i]);
  if (at < 0) return;
  const element = Math.floor(at / came.BYTES_PER_ELEMENT);
  throw new Error(
    `${what}, element ${element}: ${came[element]}, but ${first[element]} with another number of ` +
      "threads",
  );
}
