// Draft → draft: the elementwise call that alone reads a matrix product becomes the product's epilogue, so
// that the product itself is never stored. That is what an update is of a fully connected layer: its gradient
// exists a block at a time. Where somebody else reads the gradient as well, as clipping does, it stays.

import type {
  ElementwiseCall,
  Epilogue,
  KernelCall,
  MatmulCall,
  Operand,
  Source,
} from "../backends/kernels.js";
import type { Draft } from "./ir.js";
import { placeInMemory } from "./memory.js";
import { conflict, type UsesOf, usesIn } from "./uses.js";

/** How much larger the arena may become: a product that waits for its update keeps its factors alive. */
const mostGrowth = 1.01;

export function takeEpilogues(draft: Draft): Draft {
  const uses = usesIn(draft);
  let current = draft;
  const most = mostGrowth * placeInMemory(draft, uses).arenaBytes;
  for (const product of draft.calls) {
    if (product.kernel !== "matmul") continue;
    const next = withEpilogue(current, product, uses);
    if (next && placeInMemory(next, uses).arenaBytes <= most) current = next;
  }
  return current;
}

function withEpilogue(draft: Draft, product: MatmulCall, uses: UsesOf): Draft | undefined {
  const { c, bias, activation, m, n } = product;
  // a single row or column is read at the memory's speed, by another kernel
  if (!c || bias || activation !== "none" || m === 1 || n === 1) return undefined;
  if (draft.buffers[c.buffer]!.kind !== "temporary") return undefined;
  const { calls } = draft;
  const first = calls.indexOf(product);
  const touching = calls.flatMap((call, i) => {
    const { reads, writes } = uses.of(call);
    return i !== first && (reads.has(c.buffer) || writes.has(c.buffer)) ? [i] : [];
  });
  const [second] = touching;
  if (second === undefined || touching.length > 1 || second < first) return undefined;
  const user = calls[second]!;
  if (user.kernel !== "elementwise") return undefined;
  const epilogue = epilogueOf(product, c, user);
  if (!epilogue) return undefined;
  // nothing that the product reads is written by the block
  if ([...uses.of(user).writes].some((b) => uses.of(product).reads.has(b))) return undefined;

  const between = calls.slice(first + 1, second);
  const goesUp = between.every((call) => !conflict(uses.of(user), uses.of(call)));
  const goesDown = between.every((call) => !conflict(uses.of(product), uses.of(call)));
  if (!goesUp && !goesDown) return undefined;
  const { c: _, ...rest } = product;
  const joined: KernelCall = { ...rest, epilogue };
  const place = goesUp ? first : second;
  return {
    ...draft,
    calls: calls.flatMap((call, i) =>
      i === place ? [joined] : i === first || i === second ? [] : [call],
    ),
  };
}

/** The call as a program over [batch, row, column]; undefined if its points are not those of the product. */
function epilogueOf(product: MatmulCall, c: Operand, call: ElementwiseCall): Epilogue | undefined {
  const at = call.sources.findIndex(
    (s) => s.kind === "memory" && s.operand.buffer === c.buffer && s.operand.offset === c.offset,
  );
  const source = call.sources[at];
  const readers = call.sources.filter(
    (s) => s.kind === "memory" && s.operand.buffer === c.buffer,
  ).length;
  if (source?.kind !== "memory" || readers > 1) return undefined;
  const spread = spreading(product, c, call.shape, source.operand.strides);
  if (!spread) return undefined;

  /** The product is the first register. */
  const moved = (register: number) =>
    register === at ? 0 : register < at ? register + 1 : register;
  const widened = (operand: Operand): Operand => ({ ...operand, strides: spread(operand.strides) });
  return {
    sources: call.sources
      .filter((_, i) => i !== at)
      .map((s): Source => {
        if (s.kind === "constant") return s;
        return s.kind === "memory"
          ? { ...s, operand: widened(s.operand) }
          : { ...s, strides: spread(s.strides) };
      }),
    instructions: call.instructions.map((i) => ({
      ...i,
      args: i.args.map(moved),
    })) as unknown as Epilogue["instructions"],
    results: call.results.map(({ register, operand }) => ({
      register: moved(register),
      operand: widened(operand),
    })),
  };
}

/** Turns strides over a call's shape into strides over [batch, row, column]; undefined if points differ. */
function spreading(
  { batch, m, n }: MatmulCall,
  { strides: [, row, column] }: Operand,
  shape: readonly number[],
  strides: readonly number[],
): ((strides: readonly number[]) => number[]) | undefined {
  if (batch !== 1) return undefined;
  const [s0, s1] = strides;
  if (shape.length === 1 && shape[0] === m * n) {
    // one run of memory, by rows or by columns
    if (s0 === column && row === n * column!) return ([s]) => [0, n * s!, s!];
    if (s0 === row && column === m * row!) return ([s]) => [0, s!, m * s!];
    return undefined;
  }
  if (shape.length !== 2) return undefined;
  if (shape[0] === m && shape[1] === n && s0 === row && s1 === column)
    return ([r, c]) => [0, r!, c!];
  if (shape[0] === n && shape[1] === m && s0 === column && s1 === row)
    return ([c, r]) => [0, r!, c!];
  return undefined;
}
