import { describe, expect, it } from "vitest";
import { dense } from "../../../test/support/programs.js";
import type { BufferSpec, ElementwiseCall, KernelCall } from "../kernels.js";
import { checkProgram } from "./check.js";

const buffers: BufferSpec[] = [
  { kind: "input", index: 0, bytes: 24 },
  { kind: "output", index: 0, bytes: 24 },
];
const window = (buffer: number, offset = 0) =>
  ({ buffer, dtype: "f32", offset, strides: dense([2, 3]) }) as const;
const good: ElementwiseCall = {
  kernel: "elementwise",
  shape: [2, 3],
  sources: [{ kind: "memory", operand: window(0) }],
  instructions: [{ op: "relu", dtype: "f32", args: [0] }],
  results: [{ register: 1, operand: window(1) }],
};

function checking(call: unknown, specs: readonly BufferSpec[] = buffers): () => void {
  return () => checkProgram({ buffers: specs, arenaBytes: 64, calls: [call as KernelCall] });
}

describe("checkProgram", () => {
  it("lets a sound program pass", () => {
    expect(checking(good)).not.toThrow();
    expect(checking({ ...good, shape: [0, 3] })).not.toThrow();
  });

  it("names the operand that leaves its buffer", () => {
    const call = { ...good, results: [{ register: 1, operand: window(1, 1) }] };
    expect(checking(call)).toThrow(
      "load: call 0 (elementwise): result 0: covers elements 1 to 6 of buffer 1, which has 6",
    );
    const backwards = { ...window(0), strides: [-3, 1] };
    expect(checking({ ...good, sources: [{ kind: "memory", operand: backwards }] })).toThrow(
      "source 0: covers elements -3 to 2 of buffer 0, which has 6",
    );
    const missing = { ...good, results: [{ register: 1, operand: window(2) }] };
    expect(checking(missing)).toThrow("result 0: there is no buffer 2");
  });

  it("lets nobody write to inputs and constants", () => {
    const call = { ...good, results: [{ register: 1, operand: window(0) }] };
    expect(checking(call)).toThrow("result 0: writes buffer 0, which is an input");
  });

  it("checks registers and their types", () => {
    const withInstructions = (...instructions: unknown[]) => checking({ ...good, instructions });
    expect(withInstructions({ op: "relu", dtype: "f32", args: [1] })).toThrow(
      "instruction 0 (relu): there is no register 1 yet",
    );
    expect(withInstructions({ op: "neg", dtype: "i32", args: [0] })).toThrow(
      "instruction 0 (neg): register 0 is f32, expected i32",
    );
    expect(withInstructions({ op: "exp", dtype: "i32", args: [0] })).toThrow(
      "instruction 0 (exp): not for i32",
    );
    expect(withInstructions({ op: "add", dtype: "f32", args: [0] })).toThrow(
      "instruction 0 (add): expected 2 arguments, got 1",
    );
    expect(withInstructions({ op: "toI32", dtype: "f32", args: [0] })).toThrow(
      "stores i32 register 1 to f32",
    );
    expect(withInstructions()).toThrow("there is no register 1");
  });

  it("bounds the results of a program", () => {
    const results = Array.from({ length: 65 }, () => ({ register: 0, operand: window(1) }));
    expect(checking({ ...good, results })).toThrow("65 results, at most 64");
  });

  it("checks the arena", () => {
    const arena = (offset: number, bytes: number) =>
      checking(good, [buffers[0]!, { kind: "arena", offset, bytes }]);
    expect(arena(0, 24)).not.toThrow();
    expect(arena(32, 24)).toThrow("load: buffer 1: arena offset 32 is no multiple of 64");
    expect(arena(64, 24)).toThrow("load: buffer 1: ends at byte 88 of an arena of 64 bytes");
  });

  it("wants of a product either c or an epilogue, and registers that are there", () => {
    const matrix = { ...window(0), strides: [0, 3, 1] };
    const to = { ...window(1), strides: [0, 3, 1] };
    const product = { kernel: "matmul", batch: 1, m: 2, n: 3, k: 1, activation: "none" };
    const factors = { ...product, a: matrix, b: matrix };
    const epilogue = {
      sources: [{ kind: "memory", operand: matrix }],
      instructions: [{ op: "add", dtype: "f32", args: [0, 1] }],
      results: [{ register: 2, operand: to }],
    };
    expect(checking({ ...factors, c: to })).not.toThrow();
    expect(checking({ ...factors, epilogue })).not.toThrow();
    expect(checking(factors)).toThrow("load: call 0 (matmul): neither c nor an epilogue");
    expect(checking({ ...factors, c: to, epilogue })).toThrow("both c and an epilogue");
    expect(checking({ ...factors, activation: "relu", epilogue })).toThrow(
      "an epilogue beside a bias or activation",
    );
    const results = [{ register: 3, operand: to }];
    expect(checking({ ...factors, epilogue: { ...epilogue, results } })).toThrow(
      "there is no register 3",
    );
    const small = { ...to, strides: [0, 4, 1] };
    expect(
      checking({
        ...factors,
        epilogue: { ...epilogue, results: [{ register: 2, operand: small }] },
      }),
    ).toThrow("result 0: covers elements 0 to 6 of buffer 1, which has 6");
  });

  it("knows the shapes of other kernels' operands", () => {
    const x = { buffer: 0, dtype: "f32", offset: 0, strides: [3, 1] };
    const call = {
      kernel: "crossEntropy",
      rows: 2,
      classes: 4,
      logits: x,
      target: { buffer: 0, dtype: "i32", offset: 0, strides: [1] },
      loss: { buffer: 1, dtype: "f32", offset: 0, strides: [1] },
    };
    expect(checking({ ...call, classes: 3 })).not.toThrow();
    expect(checking({ ...call, logits: { ...x, strides: [4, 1] } })).toThrow(
      "load: call 0 (crossEntropy): logits: covers elements 0 to 7 of buffer 0, which has 6",
    );
    expect(checking({ kernel: "nothing" })).toThrow("load: call 0 (nothing): unknown kernel");
  });
});
