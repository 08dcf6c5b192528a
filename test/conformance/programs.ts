// Draws elementwise programs. A program is spelled by a list of numbers (its entropy), so that a
// shorter list is a shorter program and fast-check can shrink a failure to a few instructions.
//
// Only operations that IEEE 754 (or integer arithmetic) defines to the last bit are drawn, so that
// every backend must compute equal values; functions such as exp have their own accuracy suite.
// Divisors are sources, which hold no −0: max, min and relu may return either zero, and only a
// division tells them apart.

import fc from "fast-check";
import type { Instruction, Source } from "../../src/backends/kernels.js";
import type { DType } from "../../src/graph/dtype.js";
import { type CaseBuilder, wild, wildInteger } from "./build.js";
import { anyLayout, type Layout, layouts, rowMajor } from "./layout.js";

type Register = "f32" | "i32";

export type SourceSpec =
  | { readonly kind: "memory"; readonly dtype: DType; readonly layout: Layout }
  /** The window of an earlier source once more. */
  | { readonly kind: "again"; readonly of: number }
  | { readonly kind: "index"; readonly offset: number; readonly strides: readonly number[] }
  | { readonly kind: "constant"; readonly dtype: Register; readonly value: number };

const unaryF32 = ["neg", "abs", "sqrt", "floor", "relu", "toI32"] as const;
const binaryF32 = ["add", "sub", "mul", "div", "max", "min", "eq", "ne", "lt", "le"] as const;
const unaryI32 = ["neg", "abs", "toF32"] as const;
const binaryI32 = ["add", "sub", "mul", "max", "min", "eq", "ne", "lt", "le"] as const;
const resultsI32 = new Set<string>(["eq", "ne", "lt", "le", "toI32"]);

function resultType({ op, dtype }: Instruction): Register {
  if (op === "toF32" || op === "uniform") return "f32";
  return resultsI32.has(op) ? "i32" : dtype;
}

export function sourceSpecs(rank: number): fc.Arbitrary<SourceSpec> {
  const each = <T>(value: fc.Arbitrary<T>) =>
    fc.array(value, { minLength: rank, maxLength: rank, size: "max" });
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("memory"),
        dtype: fc.constantFrom("f32", "f32", "i32", "u8"),
        layout: fc.oneof(fc.constant(rowMajor(rank)), anyLayout(rank, true)),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("again"), of: fc.nat(3) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("index"),
        offset: fc.integer({ min: -100, max: 100 }),
        strides: each(fc.integer({ min: -50, max: 50 })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.oneof(
        fc.record({
          kind: fc.constant("constant"),
          dtype: fc.constant("f32"),
          value: fc.constantFrom(0, 1, -1.5, 0.10000000149011612, Infinity, NaN),
        }),
        fc.record({
          kind: fc.constant("constant"),
          dtype: fc.constant("i32"),
          value: fc.constantFrom(0, 1, -3, 2 ** 31 - 1, -(2 ** 31)),
        }),
      ),
    },
  );
}

/** The sources of a call, with data for those in memory. */
export function buildSources(
  build: CaseBuilder,
  shape: readonly number[],
  specs: readonly SourceSpec[],
): Source[] {
  const sources: Source[] = [];
  for (const spec of specs) {
    if (spec.kind === "again") {
      sources.push(sources[spec.of] ?? { kind: "constant", dtype: "i32", value: spec.of });
    } else if (spec.kind === "memory") {
      const { dtype, layout } = spec;
      const draw = dtype === "f32" ? wild : dtype === "i32" ? wildInteger : byte;
      sources.push({ kind: "memory", operand: build.source(shape, layout, draw, dtype) });
    } else {
      sources.push(spec);
    }
  }
  return sources;
}

const byte = (random: { below(limit: number): number }) => random.below(256);

/** Each number of the entropy chooses one instruction over the registers that there are. */
export function buildInstructions(
  sources: readonly Source[],
  entropy: readonly number[],
): { instructions: Instruction[]; types: Register[] } {
  const types: Register[] = sources.map((source) => {
    if (source.kind === "index") return "i32";
    const { dtype } = source.kind === "memory" ? source.operand : source;
    return dtype === "f32" ? "f32" : "i32";
  });
  const instructions: Instruction[] = [];
  for (const number of entropy) {
    const instruction = chooseInstruction(number, types, sources.length);
    instructions.push(instruction);
    types.push(resultType(instruction));
  }
  return { instructions, types };
}

function chooseInstruction(
  number: number,
  types: readonly Register[],
  sourceCount: number,
): Instruction {
  let rest = number;
  const choose = <T>(values: readonly T[]): T => {
    const value = values[rest % values.length]!;
    rest = Math.floor(rest / values.length);
    return value;
  };
  const registers = (dtype: Register, limit = types.length) =>
    types.flatMap((type, at) => (type === dtype && at < limit ? [at] : []));
  const dtype = choose(types);
  const same = registers(dtype);
  const integers = registers("i32");
  const form = choose(["unary", "binary", "binary", "select", "uniform"]);
  if (form === "select" && integers.length > 0) {
    return { op: "select", dtype, args: [choose(integers), choose(same), choose(same)] };
  }
  if (form === "uniform" && integers.length > 0) {
    const args = [choose(integers), choose(integers), choose(integers)] as const;
    return { op: "uniform", dtype: "i32", args, stream: choose([0, 1, -1, 123456789]) };
  }
  if (form === "unary") {
    const op = dtype === "f32" ? choose(unaryF32) : choose(unaryI32);
    return { op, dtype, args: [choose(same)] } as Instruction;
  }
  const op = dtype === "f32" ? choose(binaryF32) : choose(binaryI32);
  const divisors = registers("f32", sourceCount);
  if (op === "div" && divisors.length > 0) {
    return { op, dtype, args: [choose(same), choose(divisors)] };
  }
  return { op: op === "div" ? "add" : op, dtype, args: [choose(same), choose(same)] };
}

/** Iteration spaces: any rank up to six, small, with a long last dimension now and then. */
export const shapes: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 6, size: "max" }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
        fc.integer({ min: 1, max: 300 }),
      )
      .map(([outer, last]) => [...outer, last]),
  },
  {
    weight: 1,
    arbitrary: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
  },
);

/** The layout of a result over `rank` dimensions. */
export const resultLayouts = (rank: number): fc.Arbitrary<Layout> =>
  rank === 0
    ? fc.constant(rowMajor(0))
    : layouts([Array.from({ length: rank }, (_, d) => d)], false);
