// Draft → draft: elementwise calls over the same points that share what they read, or of which one reads
// what the other writes, become one call with several results: Adam's two means and its parameter, say.
// Memory is then read once, and a value that was just computed is taken from its register. The values stay
// the same, bit by bit. It works on calls in their final order and moves one only past calls that it has
// nothing to do with.

import type { ElementwiseCall, KernelCall, Operand, Source } from "../backends/kernels.js";
import { sameShape } from "../graph/shape.js";
import { longest } from "./fuse.js";
import type { Draft } from "./ir.js";
import { placeInMemory } from "./memory.js";
import { conflict, meets, type Uses, type UsesOf, usesIn } from "./uses.js";

/** How much larger the arena may become, since a call that waits for another keeps its sources alive. */
const mostGrowth = 1.01;

export function unite(draft: Draft): Draft {
  const uses = usesIn(draft);
  const united = uniteWhile(draft, uses, () => true);
  if (united === draft) return draft;
  const arenaOf = (d: Draft) => placeInMemory(d, uses).arenaBytes;
  const most = mostGrowth * arenaOf(draft);
  const fits = (next: Draft) => arenaOf(next) <= most;
  return fits(united) ? united : uniteWhile(draft, uses, fits);
}

/** Takes each union in turn that leads to a draft which is accepted. */
function uniteWhile(draft: Draft, uses: UsesOf, accepts: (next: Draft) => boolean): Draft {
  let calls = draft.calls;
  for (let b = 0; b < calls.length; b++) {
    for (let a = b - 1; a >= 0; a--) {
      const place = meetingPlace(calls, a, b, uses);
      const call = place === undefined ? undefined : union(calls[a]!, calls[b]!, uses);
      if (!call) continue;
      const others = calls.filter((_, i) => i !== a && i !== b);
      const at = place === b ? b - 1 : a;
      const stored = withoutUnread(call, others, draft, uses);
      const next = [...others.slice(0, at), stored, ...others.slice(at)];
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
  const touches = (x: Operand, y: Operand) => uses.memory(x.buffer) === uses.memory(y.buffer);
  const isSame = (x: Operand, y: Operand) => touches(x, y) && sameWindow(x, y);

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

const sameSource = (a: Source, b: Source): boolean => {
  if (a.kind === "memory" && b.kind === "memory")
    return a.operand.buffer === b.operand.buffer && sameWindow(a.operand, b.operand);
  if (a.kind === "index" && b.kind === "index")
    return a.offset === b.offset && sameShape(a.strides, b.strides);
  return (
    a.kind === "constant" &&
    b.kind === "constant" &&
    a.dtype === b.dtype &&
    Object.is(a.value, b.value)
  );
};

/** Whether two operands are the same elements, if they are of the same memory. */
const sameWindow = (a: Operand, b: Operand): boolean =>
  a.dtype === b.dtype && a.offset === b.offset && sameShape(a.strides, b.strides);

/** The call without results that are temporaries and that no other call reads. */
function withoutUnread(
  call: ElementwiseCall,
  others: readonly KernelCall[],
  { buffers }: Draft,
  uses: UsesOf,
): ElementwiseCall {
  const results = call.results.filter(
    ({ operand: { buffer } }) =>
      buffers[buffer]!.kind !== "temporary" ||
      others.some((other) => uses.of(other).reads.has(buffer)),
  );
  return { ...call, results };
}
