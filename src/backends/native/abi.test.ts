import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dense } from "../../../test/support/programs.js";
import type { Epilogue, Program } from "../kernels.js";
import { kernelNames, structs } from "./abi.js";
import { abiFingerprint, abiHeader } from "./abi-header.js";
import { checkFingerprint, loadAddon } from "./binding.js";
import { encodeCalls, encodeProgram } from "./encode.js";
import { sourceFolder } from "./paths.js";

describe("native/abi.h", () => {
  it("is what abi.ts says (node scripts/generate-abi.mjs)", () => {
    expect(readFileSync(join(sourceFolder, "abi.h"), "utf8")).toBe(abiHeader());
  });

  it("is compared with the addon's when that is loaded", () => {
    expect(() => checkFingerprint(abiFingerprint)).not.toThrow();
    expect(() => checkFingerprint("0123")).toThrow(
      "native backend: the addon was built from another version of Fovea (its interface is 0123, " +
        `expected ${abiFingerprint}); run \`npx fovea build\``,
    );
  });

  it("is asked for in words when the addon is not there", () => {
    expect(() => loadAddon("/nowhere/fovea.node")).toThrow(
      "native backend: it has not been built yet (no /nowhere/fovea.node); run `npx fovea build`",
    );
  });
});

const shape = [2, 3];
const program: Program = {
  buffers: [
    { kind: "arena", offset: 64, bytes: 24 },
    { kind: "constant", data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    { kind: "output", index: 0, bytes: 4 },
    { kind: "constant", data: Uint8Array.of(7, 8) },
  ],
  arenaBytes: 128,
  calls: [
    {
      kernel: "elementwise",
      shape,
      sources: [
        { kind: "memory", operand: { buffer: 1, dtype: "f32", offset: 0, strides: dense(shape) } },
        { kind: "constant", dtype: "f32", value: -0.5 },
        { kind: "constant", dtype: "i32", value: -7 },
        { kind: "index", offset: 9, strides: [-1, 2] },
      ],
      instructions: [
        { op: "mul", dtype: "f32", args: [0, 1] },
        { op: "uniform", dtype: "i32", args: [2, 2, 3], stream: -1 },
      ],
      results: [
        { register: 4, operand: { buffer: 0, dtype: "f32", offset: 0, strides: dense(shape) } },
      ],
    },
    {
      kernel: "reduce",
      op: "sum",
      shape,
      reduced: [true, true],
      sources: [
        { kind: "memory", operand: { buffer: 0, dtype: "f32", offset: 0, strides: dense(shape) } },
      ],
      instructions: [],
      register: 0,
      result: { buffer: 2, dtype: "f32", offset: 0, strides: [0, 0] },
    },
  ],
};

/** Takes words off the front by the layout of a struct of plain fields. */
function read(words: bigint[], fields: Readonly<Record<string, string>>): Record<string, number> {
  const entries = Object.keys(fields).map((name) => [name, Number(words.shift())] as const);
  return Object.fromEntries(entries);
}

describe("an encoded program", () => {
  const encoded = encodeProgram(program);
  const words = [...new BigInt64Array(encoded)];

  it("starts with its sizes and its buffers", () => {
    expect(read(words, structs.ProgramHeader)).toEqual({
      bufferCount: 4,
      callCount: 2,
      arenaBytes: 128,
    });
    expect(read(words, structs.BufferSpec)).toEqual({ kind: 0, index: 0, offset: 64, bytes: 24 });
    const constant = read(words, structs.BufferSpec);
    expect(constant).toMatchObject({ kind: 4, bytes: 24 });
    expect(constant.offset! % 64).toBe(0);
    expect([...new Float32Array(encoded, constant.offset, 6)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(read(words, structs.BufferSpec)).toEqual({ kind: 3, index: 0, offset: 0, bytes: 4 });
    const bytes = read(words, structs.BufferSpec);
    expect([...new Uint8Array(encoded, bytes.offset, 2)]).toEqual([7, 8]);
  });

  it("goes on with each call, its struct, and what follows that", () => {
    const [header, ...lists] = [
      [kernelNames.indexOf("elementwise"), 10 + 4 * 10 + 2 * 6 + 10],
      [2, 2, 3, 0, 0, 0, 0, 4, 2, 1], // rank, shape, how many of each
      [0, 1, 0, 0, 3, 1, 0, 0, 0, 0], // memory: buffer, dtype, offset, strides
      [2, -1, 0, -0x41000000, 0, 0, 0, 0, 0, 0], // the bits of −0.5 are 0xbf000000
      [2, -1, 1, -7, 0, 0, 0, 0, 0, 0],
      [1, -1, 1, 9, -1, 2, 0, 0, 0, 0],
      [14, 0, 0, 1, 0, 0], // mul f32 r0 r1
      [26, 1, 2, 2, 3, -1], // uniform, stream −1
      [4, 0, 0, 0, 3, 1, 0, 0, 0, 0], // store r4
    ];
    const expected = [...header!, ...lists.flat()];
    expect(words.splice(0, expected.length).map(Number)).toEqual(expected);
    expect(Number(words[0])).toBe(kernelNames.indexOf("reduce"));
  });

  it("writes an operand that is not given as buffer −1", () => {
    const matrix = { buffer: 0, dtype: "f32", offset: 0, strides: [1, 1, 1] } as const;
    const call = { kernel: "matmul", batch: 1, m: 1, n: 1, k: 1 } as const;
    const encodedCall = encodeCalls([
      { ...call, a: matrix, b: matrix, c: matrix, activation: "relu" },
    ]);
    // header 2; batch, m, n, k; three operands of 9 words; bias; activation; no epilogue
    expect(encodedCall.slice(2 + 4 + 27)).toEqual([-1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
  });

  it("puts the product before the sources of its epilogue", () => {
    const matrix = { buffer: 0, dtype: "f32", offset: 0, strides: [1, 1, 1] } as const;
    const call = { kernel: "matmul", batch: 1, m: 1, n: 1, k: 1, activation: "none" } as const;
    const epilogue: Epilogue = {
      sources: [{ kind: "memory", operand: matrix }],
      instructions: [{ op: "sub", dtype: "f32", args: [1, 0] }],
      results: [{ register: 2, operand: matrix }],
    };
    const encodedCall = encodeCalls([{ ...call, a: matrix, b: matrix, epilogue }]);
    const rest = 2 + 4 + 2 * 9;
    expect(encodedCall.slice(rest, rest + 9)).toEqual([-1, 0, 0, 0, 0, 0, 0, 0, 0]); // c
    expect(encodedCall.slice(rest + 18)).toEqual([
      ...[0, 2, 1, 1], // activation; sources, instructions, results
      ...[3, -1, 0, 0, 0, 0, 0, 0, 0, 0], // the product
      ...[0, 0, 0, 0, 1, 1, 1, 0, 0, 0],
      ...[13, 0, 1, 0, 0, 0], // sub f32 r1 r0
      ...[2, 0, 0, 0, 1, 1, 1, 0, 0, 0],
    ]);
  });
});
