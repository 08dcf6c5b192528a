// Draft → draft: elementwise calls over the same points that share what they read, or of which one reads
// what the other writes, become one call with several results: Adam's two means and its parameter, say.
// Memory is then read once, and a value that was just computed is taken from its register. The values stay
// the same, bit by bit. It works on calls in their final order and moves one only past calls that it has
// nothing to do with.

import type { ElementwiseCall, KernelCall, Operand, Source } from "../backends/kernels.js";
import { readsAndWrites } from "../backends/operands.js";
import { sameShape } from "../graph/shape.js";
import { longest } from "./fuse.js";
import type { Draft } from "./ir.js";
import { placeInMemory } from "./memory.js";
import { conflict, meets, type Uses, type UsesOf, usesIn } from "./uses.js";

/** How much larger the arena may become, since a call that waits for another keeps its sources alive. */
const mostGrowth = 1.01;

export function unite(draft: Draft): Draft {
  const united = uniteWhile(draft, () => true);
  if (united === draft) return draft;
  const most = mostGrowth * placeInMemory(draft).arenaBytes;
  const fits = (next: Draft) => placeInMemory(next).arenaBytes <= most;
  return fits(united) ? united : uniteWhile(draft, fits);
}

/** Takes each union in turn that leads to a draft which is accepted. */
function uniteWhile(draft: Draft, accepts: (next: Draft) => boolean): Draft {
  const uses = usesIn(draft);
  let calls = draft.calls;
  for (let b = 0; b < calls.length; b++) {
    for (let a = b - 1; a >= 0; a--) {
      const place = meetingPlace(calls, a, b, uses);
      const call = place === undefined ? undefined : union(calls[a]!, calls[b]!, uses);
      if (!call) continue;
      const others = calls.filter((_, i) => i !== a && i !== b);
      const at = place === b ? b - 1 : a;
      const next = withoutUnread([...others.slice(0, at), call, ...others.slice(at)], at, draft);
      if (!accepts({ ...draft, calls: next })) continue;
      calls = next;
      b = at; // once more from there, with what the union reads
      a = at;
    }
  }
  return calls === draft.calls ? draft : { ...draft, calls };
}

// ---------------------------------------------------------------- what may move

/** Which of two calls' places both can be at: a if b may go up to it, b if a may wait for it. */
function meetingPlace(
  calls: readonly KernelCall[],
  a: number,
  b: number,
  uses: UsesOf,
): number | undefined {
  const [first, second] = [calls[a]!, calls[b]!];
  if (first.kernel !== "elementwise" || second.kernel !== "elementwise") return undefined;
  if (!sameShape(first.shape, second.shape)) return undefined;
  const [x, y] = [uses.of(first), uses.of(second)];
  if (!meets(y.reads, x.writes) && !sharesSource(first, second)) return undefined;
  const between = calls.slice(a + 1, b).map((call) => uses.of(call));
  const isFree = (moved: Uses) => between.every((call) => !conflict(moved, call));
  return isFree(y) ? a : isFree(x) ? b : undefined;
}

/** Whether both read the same elements; a number that is the same for all points is not worth it. */
const sharesSource = (a: ElementwiseCall, b: ElementwiseCall) =>
  a.sources.some(
    (s) =>
      s.kind === "memory" &&
      (a.shape.length === 0 || s.operand.strides.some((stride) => stride !== 0)) &&
      b.sources.some((other) => sameSource(s, other)),
  );

// ---------------------------------------------------------------- one call of two

/** The calls as one, `a` before `b`; undefined where they touch the same memory at other elements. */
function union(a: KernelCall, b: KernelCall, uses: UsesOf): ElementwiseCall | undefined {
  if (a.kernel !== "elementwise" || b.kernel !== "elementwise") return undefined;
  const isSame = (x: Operand, y: Operand) =>
    uses.memory(x.buffer) === uses.memory(y.buffer) &&
    x.dtype === y.dtype &&
    x.offset === y.offset &&
    sameShape(x.strides, y.strides);
  const touches = (x: Operand, y: Operand) => uses.memory(x.buffer) === uses.memory(y.buffer);

  // what b writes may be what a reads, but only element for element
  for (const { operand } of b.results) {
    if (a.results.some((r) => touches(r.operand, operand))) return undefined;
    for (const s of a.sources)
      if (s.kind === "memory" && touches(s.operand, operand) && !isSame(s.operand, operand))
        return undefined;
  }

  const sources: Source[] = [...a.sources];
  const registers: (readonly [list: "source" | "instruction", at: number])[] = [];
  for (const source of b.sources) {
    if (source.kind === "memory") {
      const written = a.results.filter((r) => touches(r.operand, source.operand));
      const [result] = written;
      if (result) {
        // a byte in memory is not all that its register held
        const isHeld = isSame(result.operand, source.operand) && source.operand.dtype !== "u8";
        if (!isHeld || written.length > 1) return undefined;
        registers.push(asRegister(a, result.register));
        continue;
      }
    }
    const known = sources.findIndex((s) => sameSource(s, source));
    registers.push(["source", known >= 0 ? known : sources.push(source) - 1]);
  }

  const numberOf = ([list, at]: readonly ["source" | "instruction", number]) =>
    list === "source" ? at : sources.length + at;
  const ofA = (register: number) => numberOf(asRegister(a, register));
  const instructions = a.instructions.map((i) => ({ ...i, args: i.args.map(ofA) }));
  const known = new Map(instructions.map((i, at) => [JSON.stringify(i), at]));
  const ofB = (register: number) => numberOf(registers[register]!);
  for (const instruction of b.instructions) {
    const moved = { ...instruction, args: instruction.args.map(ofB) };
    const key = JSON.stringify(moved);
    const at = known.get(key) ?? instructions.push(moved) - 1;
    known.set(key, at);
    registers.push(["instruction", at]);
  }
  const results = [
    ...a.results.map((r) => ({ ...r, register: ofA(r.register) })),
    ...b.results.map((r) => ({ ...r, register: ofB(r.register) })),
  ];
  // copies have no instructions, and backends no room for any number of results
  if (instructions.length > longest || results.length > longest) return undefined;
  return {
    ...a,
    sources,
    instructions: instructions as unknown as ElementwiseCall["instructions"],
    results,
  };
}

const asRegister = (call: ElementwiseCall, register: number) =>
  register < call.sources.length
    ? (["source", register] as const)
    : (["instruction", register - call.sources.length] as const);

const sameSource = (a: Source, b: Source): boolean =>
  a.kind === "constant" && b.kind === "constant"
    ? a.dtype === b.dtype && Object.is(a.value, b.value)
    : JSON.stringify(a) === JSON.stringify(b) && a.kind !== "constant";

/** The calls; of the one at `at`, temporaries that no other call reads are not stored. */
function withoutUnread(calls: readonly KernelCall[], at: number, { buffers }: Draft): KernelCall[] {
  const call = calls[at]! as ElementwiseCall;
  const read = new Set(
    calls.flatMap((c, i) => (i === at ? [] : readsAndWrites(c).reads.map((o) => o.buffer))),
  );
  const results = call.results.filter(
    ({ operand: { buffer } }) => buffers[buffer]!.kind !== "temporary" || read.has(buffer),
  );
  return calls.map((c, i) => (i === at ? { ...call, results } : c));
}
