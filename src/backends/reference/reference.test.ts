// What the reference backend promises beyond the contract, which test/conformance holds it to:
// strictness, poisoned scratch memory, and float64.

import { describe, expect, it } from "vitest";
import type { BufferSpec, ElementwiseCall, Operand } from "../kernels.js";
import { openReference } from "./index.js";

function f32(buffer: number, stride = 1): Operand {
  return { buffer, dtype: "f32", offset: 0, strides: [stride] };
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
const values = Float32Array.of(1, 2, 3, 4);

const backends = [openReference(), openReference({ precision: "f64" })];

describe.each(backends)("$description", (backend) => {
  it("runs calls in order through the arena, whose windows may overlap", async () => {
    const window: BufferSpec = { kind: "arena", offset: 64, bytes: 16 };
    const program = backend.load({
      buffers: [input, window, window, output],
      arenaBytes: 128,
      calls: [addCall(f32(0), f32(1), 1), addCall(f32(0), f32(2), 5), addCall(f32(1), f32(3), 0)],
    });
    const { outputs } = await program.run({ inputs: [values], states: [] });
    expect(new Float32Array(await backend.read(outputs[0]!))).toEqual(Float32Array.of(6, 7, 8, 9));
  });

  it("reads back what was written, in every dtype", async () => {
    for (const data of [values, Int32Array.of(-1, 2 ** 30), Uint8Array.of(1, 2, 255)]) {
      const buffer = backend.allocate(data.byteLength);
      await backend.write(buffer, data);
      expect(new Uint8Array(await backend.read(buffer))).toEqual(new Uint8Array(data.buffer));
    }
  });

  it("shows scratch memory that was never written as NaN", async () => {
    const program = backend.load({
      buffers: [{ kind: "arena", offset: 0, bytes: 16 }, output],
      arenaBytes: 64,
      calls: [addCall(f32(0), f32(1), 0)],
    });
    const { outputs } = await program.run({ inputs: [], states: [] });
    expect([...new Float32Array(await backend.read(outputs[0]!))]).toEqual([NaN, NaN, NaN, NaN]);
  });

  it("refuses windows outside their buffer, writes to inputs, and mixed-up dtypes", async () => {
    const run = (call: ElementwiseCall) =>
      backend
        .load({ buffers: [input, output], arenaBytes: 0, calls: [call] })
        .run({ inputs: [values], states: [] });
    await expect(run(addCall(f32(0, 2), f32(1), 0))).rejects.toThrow(
      "elementwise: source 0 reaches elements 0 to 6 of buffer 0, which has 4",
    );
    await expect(run(addCall(f32(0), f32(0), 0))).rejects.toThrow(
      "elementwise: result 0 writes to buffer 0, a read-only input",
    );
    await expect(run(addCall({ ...f32(0), dtype: "i32" }, f32(1), 0))).rejects.toThrow(
      "elementwise: instruction 0 (add) expects f32 in register 0, got i32",
    );
    await expect(run(addCall(f32(0), { ...f32(1), dtype: "i32" }, 0))).rejects.toThrow(
      "elementwise: result 0 stores f32 (register 2) as i32",
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
    await expect(backend.read(openReference().allocate(16))).rejects.toThrow(
      "reference: read expects a buffer of this backend, got a buffer of another backend",
    );
    buffer.dispose();
    await expect(backend.read(buffer)).rejects.toThrow("reference: this buffer has been disposed");
  });
});

it("refuses everything once it is closed", async () => {
  const backend = openReference();
  const buffer = backend.allocate(4);
  await backend.close();
  await expect(backend.read(buffer)).rejects.toThrow(
    "reference: read: the backend has been closed",
  );
});

it("keeps doubles in f64, and rounds every result in f32", async () => {
  for (const precision of ["f32", "f64"] as const) {
    const backend = openReference({ precision });
    const buffer = backend.allocate(16);
    const start = [0.1, 1e-30, 1 / 3, 1e300];
    await backend.writeFloat64(buffer, Float64Array.from(start));
    const program = backend.load({
      buffers: [state],
      arenaBytes: 0,
      calls: [addCall(f32(0), f32(0), 0.2)],
    });
    await program.run({ inputs: [], states: [buffer] });
    const round = precision === "f32" ? Math.fround : (value: number) => value;
    const expected = start.map((value) => round(round(value) + round(0.2)));
    expect([...(await backend.readFloat64(buffer))]).toEqual(expected);
    expect(new Float32Array(await backend.read(buffer))).toEqual(Float32Array.from(expected));
  }
});
