import { describe, expect, it } from "vitest";
import { BackendError } from "../../errors.js";
import type { TypedArray } from "../../graph/dtype.js";
import type { BufferSpec, ElementwiseCall, KernelCall, Operand } from "../kernels.js";
import { openReference } from "./index.js";

function f32(buffer: number, strides: readonly number[], offset = 0): Operand {
  return { buffer, dtype: "f32", offset, strides };
}

/** to = from + amount, over 4 elements. */
function addCall(from: Operand, to: Operand, amount: number): ElementwiseCall {
  return {
    kernel: "elementwise",
    shape: [4],
    sources: [
      { kind: "memory", operand: from },
      { kind: "constant", dtype: "f32", value: amount },
    ],
    instructions: [{ op: "add", dtype: "f32", args: [0, 1] }],
    results: [{ register: 2, operand: to }],
  };
}

const input: BufferSpec = { kind: "input", index: 0, bytes: 16 };
const output: BufferSpec = { kind: "output", index: 0, bytes: 16 };
const state: BufferSpec = { kind: "state", index: 0, bytes: 16 };

const backends = [openReference(), openReference({ precision: "f64" })];

async function numbers(backend: ReturnType<typeof openReference>, data: TypedArray) {
  const buffer = backend.allocate(data.byteLength);
  await backend.write(buffer, data);
  return buffer;
}

describe.each(backends)("$description", (backend) => {
  const values = Float32Array.of(1, 2, 3, 4);

  it("runs calls in order through the arena, and hands outputs back", async () => {
    const arena: BufferSpec = { kind: "arena", offset: 64, bytes: 16 };
    const program = backend.load({
      buffers: [input, arena, output],
      arenaBytes: 128,
      calls: [addCall(f32(0, [1]), f32(1, [1]), 10), addCall(f32(1, [-1], 3), f32(2, [1]), 100)],
    });
    const { outputs, seconds } = await program.run({ inputs: [values], states: [] });
    const result = new Float32Array(await backend.read(outputs[0]!));
    expect([...result]).toEqual([114, 113, 112, 111]);
    expect(seconds).toBeUndefined();
  });

  it("writes states in place, in the order of the runs", async () => {
    const buffer = await numbers(backend, values);
    const program = backend.load({
      buffers: [state],
      arenaBytes: 0,
      calls: [addCall(f32(0, [1]), f32(0, [1]), 1)],
    });
    const runs = [1, 2, 3].map(() => program.run({ inputs: [], states: [buffer] }));
    const between = backend.read(buffer);
    void program.run({ inputs: [], states: [buffer] });
    await Promise.all(runs);
    expect([...new Float32Array(await between)]).toEqual([4, 5, 6, 7]);
    expect([...new Float32Array(await backend.read(buffer))]).toEqual([5, 6, 7, 8]);
  });

  it("copies host inputs before run returns, and measures when asked", async () => {
    const program = backend.load({
      buffers: [input, output],
      arenaBytes: 0,
      calls: [addCall(f32(0, [1]), f32(1, [1]), 0)],
    });
    const mine = values.slice();
    const running = program.run({ inputs: [mine], states: [] }, { profile: true });
    mine.fill(0);
    const { outputs, seconds } = await running;
    expect([...new Float32Array(await backend.read(outputs[0]!))]).toEqual([1, 2, 3, 4]);
    expect(seconds).toHaveLength(1);
    expect(seconds![0]).toBeGreaterThanOrEqual(0);
  });

  it("reads back what was written, in every dtype", async () => {
    for (const data of [values, Int32Array.of(-1, 2 ** 30), Uint8Array.of(1, 2, 255)]) {
      const buffer = await numbers(backend, data);
      expect(new Uint8Array(await backend.read(buffer))).toEqual(new Uint8Array(data.buffer));
    }
    expect(new Float32Array(await backend.read(backend.allocate(8)))).toEqual(new Float32Array(2));
  });

  it("shows scratch memory that was never written as NaN", async () => {
    const program = backend.load({
      buffers: [{ kind: "arena", offset: 0, bytes: 16 }, output],
      arenaBytes: 64,
      calls: [addCall(f32(0, [1]), f32(1, [1]), 0)],
    });
    const { outputs } = await program.run({ inputs: [], states: [] });
    expect([...new Float32Array(await backend.read(outputs[0]!))]).toEqual([NaN, NaN, NaN, NaN]);
  });

  it("lets overlapping windows of the arena overwrite each other", async () => {
    const program = backend.load({
      buffers: [
        input,
        { kind: "arena", offset: 0, bytes: 16 },
        { kind: "arena", offset: 0, bytes: 16 },
        output,
      ],
      arenaBytes: 64,
      calls: [
        addCall(f32(0, [1]), f32(1, [1]), 1),
        addCall(f32(0, [1]), f32(2, [1]), 5),
        addCall(f32(1, [1]), f32(3, [1]), 0),
      ],
    });
    const { outputs } = await program.run({ inputs: [values], states: [] });
    expect([...new Float32Array(await backend.read(outputs[0]!))]).toEqual([6, 7, 8, 9]);
  });

  it("takes the output of one program as the input of another", async () => {
    const program = backend.load({
      buffers: [input, output],
      arenaBytes: 0,
      calls: [addCall(f32(0, [1]), f32(1, [1]), 0.5)],
    });
    const first = await program.run({ inputs: [values], states: [] });
    const second = await program.run({ inputs: [first.outputs[0]!], states: [] });
    expect([...new Float32Array(await backend.read(second.outputs[0]!))]).toEqual([2, 3, 4, 5]);
  });

  it("fails a run, skips the calls after the failure, and goes on with the next run", async () => {
    const buffer = await numbers(backend, values);
    const loss: KernelCall = {
      kernel: "crossEntropy",
      rows: 2,
      classes: 2,
      logits: f32(1, [2, 1]),
      target: { buffer: 2, dtype: "i32", offset: 0, strides: [1] },
      loss: f32(3, [1]),
    };
    const program = backend.load({
      buffers: [
        state,
        input,
        { kind: "input", index: 1, bytes: 8 },
        { kind: "output", index: 0, bytes: 8 },
      ],
      arenaBytes: 0,
      calls: [loss, addCall(f32(0, [1]), f32(0, [1]), 1)],
    });
    const good = Int32Array.of(0, 1);
    const bad = Int32Array.of(1, 2);
    const failing = program.run({ inputs: [values, bad], states: [buffer] });
    const working = program.run({ inputs: [values, good], states: [buffer] });
    await expect(failing).rejects.toThrow(BackendError);
    await expect(failing).rejects.toThrow("crossEntropy: target 2 at row 1 is outside [0, 2)");
    const { outputs } = await working;
    // log(e^1 + e^2) − 1 = log(1 + e), log(e^3 + e^4) − 4 = log(1 + e) − 1
    const losses = new Float32Array(await backend.read(outputs[0]!));
    expect(losses[0]).toBeCloseTo(Math.log(1 + Math.E), 6);
    expect(losses[1]).toBeCloseTo(Math.log(1 + Math.E) - 1, 6);
    expect([...new Float32Array(await backend.read(buffer))]).toEqual([2, 3, 4, 5]);
  });

  it("refuses windows outside their buffer and writes to inputs", async () => {
    const outside = backend.load({
      buffers: [input, output],
      arenaBytes: 0,
      calls: [addCall(f32(0, [2]), f32(1, [1]), 0)],
    });
    await expect(outside.run({ inputs: [values], states: [] })).rejects.toThrow(
      "elementwise: source 0 reaches elements 0 to 6 of buffer 0, which has 4",
    );
    const readOnly = backend.load({
      buffers: [input],
      arenaBytes: 0,
      calls: [addCall(f32(0, [1]), f32(0, [1]), 0)],
    });
    await expect(readOnly.run({ inputs: [values], states: [] })).rejects.toThrow(
      "elementwise: result 0 writes to buffer 0, a read-only input",
    );
  });

  it("refuses bindings that do not fit, foreign buffers and disposed ones", async () => {
    const program = backend.load({ buffers: [input, state], arenaBytes: 0, calls: [] });
    const buffer = backend.allocate(16);
    await expect(program.run({ inputs: [new Float32Array(3)], states: [buffer] })).rejects.toThrow(
      "reference: run: input 0 expects 16 bytes, got 12",
    );
    await expect(program.run({ inputs: [values], states: [] })).rejects.toThrow(
      "reference: run: state 0 expects a buffer of this backend, got nothing",
    );
    const foreign = openReference().allocate(16);
    await expect(backend.read(foreign)).rejects.toThrow(
      "reference: read expects a buffer of this backend, got a buffer of another backend",
    );
    buffer.dispose();
    await expect(backend.read(buffer)).rejects.toThrow("reference: this buffer has been disposed");
  });
});

it("lets timers run while it works", async () => {
  const backend = openReference();
  const size = 1 << 16;
  const shape = [size];
  const program = backend.load({
    buffers: [{ kind: "output", index: 0, bytes: 4 * size }],
    arenaBytes: 0,
    calls: Array.from({ length: 200 }, () => ({
      kernel: "elementwise" as const,
      shape,
      sources: [{ kind: "constant" as const, dtype: "f32" as const, value: 2 }],
      instructions: [{ op: "exp" as const, dtype: "f32" as const, args: [0] as const }],
      results: [{ register: 1, operand: f32(0, [1]) }],
    })),
  });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await program.run({ inputs: [], states: [] });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(0);
});

it("ends after what was asked for, and then refuses", async () => {
  const backend = openReference();
  const buffer = backend.allocate(4);
  const written = backend.write(buffer, Float32Array.of(7));
  const reading = backend.read(buffer);
  await backend.close();
  await written;
  expect(new Float32Array(await reading)).toEqual(Float32Array.of(7));
  await expect(backend.read(buffer)).rejects.toThrow(
    "reference: read: the backend has been closed",
  );
  expect(() => backend.allocate(4)).toThrow("reference: allocate: the backend has been closed");
});

it("keeps doubles in f64, and rounds every result in f32", async () => {
  for (const precision of ["f32", "f64"] as const) {
    const backend = openReference({ precision });
    const buffer = backend.allocate(16);
    await backend.writeFloat64(buffer, Float64Array.of(0.1, 1e-30, 1 / 3, 1e300));
    const program = backend.load({
      buffers: [state],
      arenaBytes: 0,
      calls: [addCall(f32(0, [1]), f32(0, [1]), 0.2)],
    });
    await program.run({ inputs: [], states: [buffer] });
    const round = precision === "f32" ? Math.fround : (value: number) => value;
    const expected = [0.1, 1e-30, 1 / 3, 1e300].map((value) => round(round(value) + round(0.2)));
    expect([...(await backend.readFloat64(buffer))]).toEqual(expected);
    expect(new Float32Array(await backend.read(buffer))).toEqual(Float32Array.from(expected));
  }
});
