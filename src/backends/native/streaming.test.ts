// The elementwise, reduce and cross-entropy kernels at sizes that are cut into many tiles and tasks,
// on every instruction set of this machine with 1, 2 and 3 threads, whose bits must agree. Odd
// layouts and small shapes are the conformance suite's.

import { afterAll, describe, expect, it } from "vitest";
import {
  dense,
  filled,
  inputsAndOutputs,
  noise,
  operand,
  runOnce,
} from "../../../test/support/programs.js";
import type { DType, TypedArray } from "../../graph/dtype.js";
import type { Instruction, KernelCall, ReduceCall, Source } from "../kernels.js";
import { loadAddon } from "./binding.js";
import { openNative } from "./index.js";

const subjects = loadAddon().isas.map((isa) => ({
  isa,
  backends: [1, 2, 3].map((threads) => openNative({ isa, threads })),
}));
afterAll(() => Promise.all(subjects.flatMap((s) => s.backends).map((b) => b.close())));

const memory = (buffer: number, strides: readonly number[], dtype: DType = "f32"): Source => ({
  kind: "memory",
  operand: operand(buffer, strides, dtype),
});
const constant = (value: number, dtype: "f32" | "i32" = "f32"): Source => ({
  kind: "constant",
  dtype,
  value,
});
const f32 = (op: string, ...args: number[]) =>
  ({ op, dtype: "f32", args }) as unknown as Instruction;

interface Wanted {
  readonly dtype: "f32" | "i32" | "u8";
  readonly values: ArrayLike<number>;
  /** Largest difference, relative to 1 or to the value if that is larger; 0 by default. */
  readonly tolerance?: number;
}

describe.each(subjects)("$isa", ({ backends }) => {
  /** Runs one call whose buffers are `inputs` and then one output for each wanted one. */
  async function expectResults(
    call: KernelCall,
    inputs: readonly TypedArray[],
    ...wanted: readonly Wanted[]
  ): Promise<void> {
    const outputs = wanted.map(({ dtype, values }) => ({ dtype, length: values.length }));
    const program = { buffers: inputsAndOutputs(inputs, outputs), arenaBytes: 0, calls: [call] };
    const runs = await Promise.all(backends.map((backend) => runOnce(backend, program, inputs)));
    for (const run of runs) expectSameBytes(run, runs[0]!);
    wanted.forEach(({ dtype, values, tolerance = 0 }, at) => {
      const bytes = runs[0]![at]!;
      const came =
        dtype === "f32"
          ? new Float32Array(bytes)
          : dtype === "i32"
            ? new Int32Array(bytes)
            : new Uint8Array(bytes);
      const wrong = came.findIndex((value, i) => {
        const expected = values[i]!;
        if (Object.is(value, expected) || value === expected) return false;
        return !(Math.abs(value - expected) <= tolerance * Math.max(1, Math.abs(expected)));
      });
      if (wrong >= 0) expect([wrong, came[wrong]]).toEqual([wrong, values[wrong]]);
    });
  }

  it("walks long rows, with a tail", async () => {
    const n = 300_007;
    const [p, g] = [noise(n), noise(n, 2)];
    const call: KernelCall = {
      kernel: "elementwise",
      shape: [n],
      sources: [memory(0, [1]), memory(1, [1]), constant(0.25)],
      instructions: [f32("mul", 1, 2), f32("sub", 0, 3)],
      results: [{ register: 4, operand: operand(2, [1]) }],
    };
    const values = p.map((value, i) => value - g[i]! * 0.25);
    await expectResults(call, [p, g], { dtype: "f32", values });
  });

  it.each([
    [[3, 50, 70, 37], "both long"],
    [[64, 3, 40, 41], "few channels"],
    [[2, 100, 1, 3], "few pixels"],
  ])("transposes images of shape %s (%s) both ways", async ([n, c, h, w]) => {
    const [N, C, H, W] = [n!, c!, h!, w!];
    const shape = [N, C, H, W];
    const first = dense(shape); // channels first
    const last = [H * W * C, 1, W * C, C];
    const x = noise(N * C * H * W);
    const moved = new Float32Array(x.length);
    for (let i = 0; i < N; i++) {
      for (let k = 0; k < C; k++) {
        for (let p = 0; p < H * W; p++)
          moved[(i * H * W + p) * C + k] = x[(i * C + k) * H * W + p]!;
      }
    }
    const call = (from: number[], to: number[]): KernelCall => ({
      kernel: "elementwise",
      shape,
      sources: [memory(0, from)],
      instructions: [f32("neg", 0)],
      results: [{ register: 1, operand: operand(1, to) }],
    });
    await expectResults(call(first, last), [x], { dtype: "f32", values: moved.map((v) => -v) });
    await expectResults(call(last, first), [moved], { dtype: "f32", values: x.map((v) => -v) });
    // Memory in one order, the iteration space in the other: the result's memory decides.
    await expectResults(call(last, last), [moved], {
      dtype: "f32",
      values: moved.map((v) => -v),
    });
  });

  it("normalises bytes by channel", async () => {
    const [pixels, channels] = [40_000, 3];
    const x = filled(new Uint8Array(pixels * channels), (i) => (i * 7919) % 256);
    const [mean, scale] = [Float32Array.of(100, 120, 90), Float32Array.of(0.5, 0.25, 2)];
    const call: KernelCall = {
      kernel: "elementwise",
      shape: [pixels, channels],
      sources: [memory(0, [3, 1], "u8"), memory(1, [0, 1]), memory(2, [0, 1])],
      instructions: [
        { op: "toF32", dtype: "i32", args: [0] },
        f32("sub", 3, 1),
        f32("mul", 4, 2),
        f32("floor", 5),
        f32("toI32", 6),
      ],
      results: [
        { register: 5, operand: operand(3, [3, 1]) },
        { register: 7, operand: operand(4, [3, 1], "u8") },
        { register: 0, operand: operand(5, [1, pixels], "i32") },
      ],
    };
    const values = Float32Array.from(x, (v, i) => (v - mean[i % 3]!) * scale[i % 3]!);
    const planes = Int32Array.from(x, (_, i) => x[(i % pixels) * 3 + Math.floor(i / pixels)]!);
    await expectResults(
      call,
      [x, mean, scale],
      { dtype: "f32", values },
      { dtype: "u8", values: Uint8Array.from(values, (v) => Math.floor(v)) },
      { dtype: "i32", values: planes },
    );
  });

  it("stores a source that another result overwrites", async () => {
    const n = 5000;
    for (const backend of backends) {
      const state = backend.allocate(4 * n);
      await backend.write(state, noise(n));
      const executable = backend.load({
        buffers: [
          { kind: "state", index: 0, bytes: 4 * n },
          { kind: "output", index: 0, bytes: 4 * n },
        ],
        arenaBytes: 0,
        calls: [
          {
            kernel: "elementwise",
            shape: [n],
            sources: [memory(0, [1]), constant(1)],
            instructions: [f32("add", 0, 1), f32("mul", 2, 0)],
            results: [
              { register: 2, operand: operand(0, [1]) },
              { register: 0, operand: operand(1, [1]) },
            ],
          },
        ],
      });
      const { outputs } = await executable.run({ inputs: [], states: [state] });
      expect(new Float32Array(await backend.read(outputs[0]!))).toEqual(noise(n));
      expect(new Float32Array(await backend.read(state))).toEqual(noise(n).map((v) => v + 1));
    }
  });

  // Known answers of Threefry-2x32-20: key, counter, first word of the result.
  it.each([
    [[0, 0], [0, 0], 0x6b200159],
    [[-1, -1], [-1, -1], 0x1cb996fc],
    [[0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3 | 0], 0xc4923a9c],
  ])("draws Threefry's known numbers: key %s, counter %s", async (key, counter, word) => {
    const call: KernelCall = {
      kernel: "elementwise",
      shape: [5],
      sources: [constant(counter[0]!, "i32"), constant(key[0]!, "i32"), constant(key[1]!, "i32")],
      instructions: [{ op: "uniform", dtype: "i32", args: [0, 1, 2], stream: counter[1]! }],
      results: [{ register: 3, operand: operand(0, [1]) }],
    };
    const values = new Float32Array(5).fill((word >>> 8) * 2 ** -24);
    await expectResults(call, [], { dtype: "f32", values });
  });

  const sumOf = (
    shape: number[],
    reduced: boolean[],
    strides: number[],
    result: number[],
    op: ReduceCall["op"] = "sum",
  ): ReduceCall => ({
    kernel: "reduce",
    op,
    shape,
    reduced,
    sources: [memory(0, strides)],
    instructions: [],
    register: 0,
    result: operand(1, result, op === "argmax" ? "i32" : "f32"),
  });

  it.each([3, 17, 96, 1500])("sums pixels into %i channels", async (channels) => {
    const pixels = Math.ceil(400_000 / channels);
    const x = noise(pixels * channels);
    const sums = new Float64Array(channels);
    const sizes = new Float64Array(channels);
    for (const [i, value] of x.entries()) {
      sums[i % channels]! += value;
      sizes[i % channels]! += Math.abs(value);
    }
    const call = sumOf([pixels, channels], [true, false], [channels, 1], [0, 1]);
    // Sixty-four numbers at most are summed in f32: 64 roundings of 2^-24.
    const tolerance = 64 * 2 ** -24 * Math.max(...sizes);
    await expectResults(call, [x], { dtype: "f32", values: sums, tolerance });
    const absolute: ReduceCall = { ...call, instructions: [f32("abs", 0)], register: 1 };
    await expectResults(absolute, [x], { dtype: "f32", values: sizes, tolerance: 64 * 2 ** -24 });
  });

  it("sums, compares and finds along rows, along columns, and over everything", async () => {
    const [rows, columns] = [700, 901];
    const x = noise(rows * columns).map((v) => Math.round(v * 1000));
    x[5 * columns + 7] = Number.NaN;
    const at = (r: number, c: number) => x[r * columns + c]!;
    const gather = (count: number, length: number, value: (i: number, j: number) => number) => {
      const lists = Array.from({ length: count }, (_, i) =>
        Array.from({ length }, (_, j) => value(i, j)),
      );
      const most = lists.map((list) => Math.max(...list));
      return {
        sum: lists.map((list) => list.reduce((a, b) => a + b, 0)),
        max: most,
        argmax: lists.map((list, i) => list.findIndex((v) => Object.is(v, most[i]))),
      };
    };
    const byRow = gather(rows, columns, at);
    const byColumn = gather(columns, rows, (c, r) => at(r, c));
    for (const op of ["sum", "max", "argmax"] as const) {
      const dtype = op === "argmax" ? "i32" : "f32";
      const shape = [rows, columns];
      await expectResults(sumOf(shape, [false, true], [columns, 1], [1, 0], op), [x], {
        dtype,
        values: byRow[op],
      });
      await expectResults(sumOf(shape, [true, false], [columns, 1], [0, 1], op), [x], {
        dtype,
        values: byColumn[op],
      });
      const value = op === "argmax" ? 5 * columns + 7 : Number.NaN;
      await expectResults(sumOf(shape, [true, true], [columns, 1], [0, 0], op), [x], {
        dtype,
        values: [value],
      });
    }
  });

  it("loses nothing in a sum of millions", async () => {
    const n = 4_000_000;
    const x = new Float32Array(n).fill(0.1);
    const call = sumOf([n], [true], [1], [0]);
    await expectResults(call, [x], {
      dtype: "f32",
      values: [Math.fround(0.1) * n],
      tolerance: 64 * 2 ** -24, // as above, however long the sum
    });
  });

  it("computes the loss of many classes, and its gradient", async () => {
    const [rows, classes] = [300, 1003];
    const logits = noise(rows * classes).map((v) => 20 * v);
    const target = filled(new Int32Array(rows), (r) => (r * 37) % classes);
    const g = noise(rows, 3);
    const losses = new Float64Array(rows);
    const gradient = new Float64Array(rows * classes);
    for (let r = 0; r < rows; r++) {
      const row = Array.from(logits.subarray(r * classes, (r + 1) * classes));
      const sum = row.reduce((total, value) => total + Math.exp(value), 0);
      losses[r] = Math.log(sum) - row[target[r]!]!;
      for (const [c, value] of row.entries()) {
        const chosen = c === target[r] ? 1 : 0;
        gradient[r * classes + c] = g[r]! * (Math.exp(value) / sum - chosen);
      }
    }
    const common = {
      rows,
      classes,
      logits: operand(0, [classes, 1]),
      target: operand(1, [1], "i32"),
    };
    await expectResults(
      { kernel: "crossEntropy", ...common, loss: operand(2, [1]) },
      [logits, target],
      { dtype: "f32", values: losses, tolerance: 1e-6 },
    );
    await expectResults(
      {
        kernel: "crossEntropyGrad",
        ...common,
        g: operand(2, [1]),
        glogits: operand(3, [classes, 1]),
      },
      [logits, target, g],
      { dtype: "f32", values: gradient, tolerance: 1e-6 },
    );
  });
});

function expectSameBytes(came: readonly ArrayBuffer[], first: readonly ArrayBuffer[]): void {
  for (const [i, bytes] of came.entries()) {
    expect(Buffer.compare(Buffer.from(bytes), Buffer.from(first[i]!))).toBe(0);
  }
}
