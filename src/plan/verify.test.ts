// The verifier finds what it is there to find: a sound program, broken in one place at a time.

import { describe, expect, it } from "vitest";
import { argument, planOf } from "../../test/programs.js";
import type { BufferSpec, KernelCall, Program } from "../backends/kernels.js";
import { nn, zeros } from "../index.js";
import { verify } from "./verify.js";

const { program } = planOf(() => {
  const product = argument([16, 16]).matmul(argument([16, 16], 1));
  return [product.exp().sum(0), product.matmul(product.T)];
});
const arenaBuffer = program.buffers.findIndex((b) => b.kind === "arena");

const withBuffer = (b: number, change: Partial<BufferSpec>): Program => ({
  ...program,
  buffers: program.buffers.map((spec, i) =>
    i === b ? ({ ...spec, ...change } as BufferSpec) : spec,
  ),
});
const withCalls = (calls: readonly KernelCall[]): Program => ({ ...program, calls });

const twice = (buffer: number): KernelCall => {
  const operand = { buffer, dtype: "f32", offset: 0, strides: [1] } as const;
  return {
    kernel: "elementwise",
    shape: [16],
    sources: [{ kind: "constant", dtype: "f32", value: 1 }],
    instructions: [],
    results: [
      { register: 0, operand },
      { register: 0, operand },
    ],
  };
};

describe("verify", () => {
  it("has nothing to say of a sound program", () => expect(verify(program)).toEqual([]));

  it.each<[string, Program, RegExp]>([
    [
      "a window outside its buffer",
      withBuffer(arenaBuffer, { bytes: 512 }),
      /^call 0 \(matmul\) touches elements 0…255 of buffer \d+, which has 512 bytes$/,
    ],
    ["a buffer behind the arena's end", { ...program, arenaBytes: 512 }, /ends behind the arena$/],
    [
      "a buffer that is not aligned",
      withBuffer(arenaBuffer, { offset: 4 } as Partial<BufferSpec>),
      /starts at 4, not at a multiple of 64$/,
    ],
    [
      "a read of what nothing has written",
      withCalls(program.calls.slice(1)),
      /reads buffer \d+, which no call before it has written/,
    ],
    [
      "a call before those that it needs",
      withCalls([...program.calls].reverse()),
      /which no call before it has written/,
    ],
    [
      "a write to an input",
      withBuffer(arenaBuffer, { kind: "input", index: 9 } as Partial<BufferSpec>),
      /writes to input buffer/,
    ],
    [
      "a result over an operand",
      withCalls(
        program.calls.map((c) =>
          c.kernel === "matmul" ? { ...c, c: { ...c.a, buffer: c.a.buffer } } : c,
        ),
      ),
      /overwrites buffer \d+ while it reads it$/,
    ],
    [
      "two results in one place",
      withCalls(program.calls.map((c) => (c.kernel === "matmul" && c.c ? twice(c.c.buffer) : c))),
      /writes to buffer \d+ twice$/,
    ],
  ])("finds %s", (_, broken, problem) => {
    const problems = verify(broken);
    expect(
      problems.some((text) => problem.test(text)),
      problems.join("\n"),
    ).toBe(true);
  });

  it("finds an algorithm that cannot take a convolution's shape", () => {
    const { program } = planOf(() => [
      nn.functional.conv2d(argument([1, 2, 9, 9]), zeros([2, 2, 3, 3]), undefined, { stride: 2 }),
    ]);
    const calls = program.calls.map((call) =>
      call.kernel === "conv2d" ? { ...call, algorithm: "winograd6" as const } : call,
    );
    expect(verify({ ...program, calls })).toEqual([
      expect.stringMatching(/ \(conv2d\) has a shape that winograd6 cannot take$/),
    ]);
  });

  it("finds a value that another buffer has taken the place of", () => {
    const buffers: BufferSpec[] = [
      { kind: "input", index: 0, bytes: 64 },
      { kind: "arena", offset: 0, bytes: 64 },
      { kind: "arena", offset: 0, bytes: 64 },
      { kind: "output", index: 0, bytes: 64 },
    ];
    const copy = (from: number, to: number): KernelCall => ({
      kernel: "elementwise",
      shape: [16],
      sources: [
        { kind: "memory", operand: { buffer: from, dtype: "f32", offset: 0, strides: [1] } },
      ],
      instructions: [],
      results: [{ register: 0, operand: { buffer: to, dtype: "f32", offset: 0, strides: [1] } }],
    });
    const calls = [copy(0, 1), copy(0, 2), copy(1, 3)];
    expect(verify({ buffers, arenaBytes: 64, calls })).toEqual([
      "call 2 (elementwise) reads buffer 1, which no call before it has written (or another has overwritten)",
    ]);
  });
});
