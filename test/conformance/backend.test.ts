// The conformance suite for the rest of the contract: memory, bindings, order of runs, failures. Each
// backend is tried with programs of a few elementwise calls.

import { afterAll, describe, expect, it } from "vitest";
import type { Backend, DeviceBuffer } from "../../src/backends/backend.js";
import type { BufferSpec, CrossEntropyCall, ElementwiseCall } from "../../src/backends/kernels.js";
import { BackendError } from "../../src/errors.js";
import type { TypedArray } from "../../src/graph/dtype.js";
import { openSubjects } from "./subjects.js";

interface At {
  readonly buffer: number;
  readonly offset?: number;
  readonly stride?: number;
}

const operand = ({ buffer, offset = 0, stride = 1 }: At) => ({
  buffer,
  dtype: "f32" as const,
  offset,
  strides: [stride],
});

/** to = from + amount, over 4 elements. */
function add(from: At, to: At, amount: number): ElementwiseCall {
  return {
    kernel: "elementwise",
    shape: [4],
    sources: [
      { kind: "memory", operand: operand(from) },
      { kind: "constant", dtype: "f32", value: amount },
    ],
    instructions: [{ op: "add", dtype: "f32", args: [0, 1] }],
    results: [{ register: 2, operand: operand(to) }],
  };
}

const input: BufferSpec = { kind: "input", index: 0, bytes: 16 };
const output: BufferSpec = { kind: "output", index: 0, bytes: 16 };
const state: BufferSpec = { kind: "state", index: 0, bytes: 16 };
const arena = (offset: number): BufferSpec => ({ kind: "arena", offset, bytes: 16 });
const values = Float32Array.of(1, 2, 3, 4);

async function holding(backend: Backend, data: TypedArray): Promise<DeviceBuffer> {
  const buffer = backend.allocate(data.byteLength);
  await backend.write(buffer, data);
  return buffer;
}

async function numbers(backend: Backend, buffer: DeviceBuffer): Promise<number[]> {
  return [...new Float32Array(await backend.read(buffer))];
}

const subjects = openSubjects();
afterAll(async () => {
  for (const { backends } of subjects) for (const backend of backends) await backend.close();
});

for (const { name, backends, skipped } of subjects) {
  describe.skipIf(skipped)(skipped ? `${name} (skipped: ${skipped})` : name, () => {
    const backend = backends.at(-1)!;

    it("gives zeroed memory, and back what was written to it", async () => {
      expect(await numbers(backend, backend.allocate(12))).toEqual([0, 0, 0]);
      for (const data of [values, Int32Array.of(-1, 2 ** 30), Uint8Array.of(1, 2, 255)]) {
        const buffer = await holding(backend, data);
        expect(buffer.bytes).toBe(data.byteLength);
        expect(new Uint8Array(await backend.read(buffer))).toEqual(new Uint8Array(data.buffer));
      }
    });

    it("copies host memory before write returns", async () => {
      const buffer = backend.allocate(16);
      const mine = values.slice();
      const writing = backend.write(buffer, mine);
      mine.fill(0);
      await writing;
      expect(await numbers(backend, buffer)).toEqual([1, 2, 3, 4]);
    });

    it("runs calls in order through arena and constants, and hands outputs back", async () => {
      const program = backend.load({
        buffers: [
          input,
          arena(64),
          output,
          { kind: "constant", data: Float32Array.of(7, 8, 9, 10) },
        ],
        arenaBytes: 128,
        calls: [
          add({ buffer: 3 }, { buffer: 2 }, 0),
          add({ buffer: 0 }, { buffer: 1 }, 10),
          add({ buffer: 1, offset: 3, stride: -1 }, { buffer: 2 }, 100),
        ],
      });
      const { outputs, seconds } = await program.run({ inputs: [values], states: [] });
      expect(outputs).toHaveLength(1);
      expect(await numbers(backend, outputs[0]!)).toEqual([114, 113, 112, 111]);
      expect(seconds).toBeUndefined();
      program.dispose();
    });

    it("lets windows of the arena share memory, and programs share the arena", async () => {
      const load = (amount: number) =>
        backend.load({
          buffers: [input, arena(64), arena(64), output],
          arenaBytes: 128,
          calls: [
            add({ buffer: 0 }, { buffer: 1 }, amount),
            add({ buffer: 1 }, { buffer: 2 }, amount),
            add({ buffer: 1 }, { buffer: 3 }, 0),
          ],
        });
      const programs = [load(1), load(5)];
      const runs = programs.map((program) => program.run({ inputs: [values], states: [] }));
      const [first, second] = await Promise.all(runs);
      expect(await numbers(backend, first!.outputs[0]!)).toEqual([3, 4, 5, 6]);
      expect(await numbers(backend, second!.outputs[0]!)).toEqual([11, 12, 13, 14]);
    });

    it("copies host inputs before run returns, and measures when asked", async () => {
      const calls = [add({ buffer: 0 }, { buffer: 1 }, 0), add({ buffer: 0 }, { buffer: 1 }, 1)];
      const program = backend.load({ buffers: [input, output], arenaBytes: 0, calls });
      const mine = values.slice();
      const running = program.run({ inputs: [mine], states: [] }, { profile: true });
      mine.fill(0);
      const { outputs, seconds } = await running;
      expect(await numbers(backend, outputs[0]!)).toEqual([2, 3, 4, 5]);
      expect(seconds).toHaveLength(2);
      for (const time of seconds!) expect(time).toBeGreaterThanOrEqual(0);
    });

    it("writes states in place; runs, reads and writes happen in the order asked for", async () => {
      const buffer = await holding(backend, values);
      const calls = [add({ buffer: 0 }, { buffer: 0 }, 1)];
      const program = backend.load({ buffers: [state], arenaBytes: 0, calls });
      const run = () => program.run({ inputs: [], states: [buffer] });
      const done: Promise<unknown>[] = [run(), run(), run()];
      const between = numbers(backend, buffer);
      done.push(run(), backend.write(buffer, Float32Array.of(0, 10, 20, 30)), run());
      expect(await between).toEqual([4, 5, 6, 7]);
      expect(await numbers(backend, buffer)).toEqual([1, 11, 21, 31]);
      await Promise.all(done);
    });

    it("takes an output as an input or a state, and keeps it until the caller lets go", async () => {
      const calls = [add({ buffer: 0 }, { buffer: 1 }, 0.5)];
      const program = backend.load({ buffers: [input, output], arenaBytes: 0, calls });
      const first = (await program.run({ inputs: [values], states: [] })).outputs[0]!;
      const next = program.run({ inputs: [first], states: [] });
      // What was asked for still sees the memory.
      first.dispose();
      expect(await numbers(backend, (await next).outputs[0]!)).toEqual([2, 3, 4, 5]);
    });

    it("fails a run, skips the calls after the failure, and goes on with the next run", async () => {
      const buffer = await holding(backend, values);
      const loss: CrossEntropyCall = {
        kernel: "crossEntropy",
        rows: 2,
        classes: 2,
        logits: { buffer: 1, dtype: "f32", offset: 0, strides: [2, 1] },
        target: { buffer: 2, dtype: "i32", offset: 0, strides: [1] },
        loss: operand({ buffer: 3 }),
      };
      const program = backend.load({
        buffers: [
          state,
          input,
          { kind: "input", index: 1, bytes: 8 },
          { kind: "output", index: 0, bytes: 8 },
        ],
        arenaBytes: 0,
        calls: [loss, add({ buffer: 0 }, { buffer: 0 }, 1)],
      });
      const run = (...target: number[]) =>
        program.run({ inputs: [values, Int32Array.from(target)], states: [buffer] });
      const failing = [run(1, 2), run(-1, 0)];
      const working = run(0, 1);
      await expect(failing[0]).rejects.toThrow(BackendError);
      await expect(failing[0]).rejects.toThrow("crossEntropy: target 2 at row 1 is outside [0, 2)");
      await expect(failing[1]).rejects.toThrow(
        "crossEntropy: target -1 at row 0 is outside [0, 2)",
      );
      // log(e^1 + e^2) − 1 = log(1 + e); log(e^3 + e^4) − 4 = log(1 + e) − 1
      const [one, two] = await numbers(backend, (await working).outputs[0]!);
      expect(one).toBeCloseTo(Math.log(1 + Math.E), 6);
      expect(two).toBeCloseTo(Math.log(1 + Math.E) - 1, 6);
      expect(await numbers(backend, buffer)).toEqual([2, 3, 4, 5]);
    });

    it("lets timers run while it works", async () => {
      const size = 1 << 16;
      const program = backend.load({
        buffers: [{ kind: "output", index: 0, bytes: 4 * size }],
        arenaBytes: 0,
        calls: Array.from({ length: 400 }, () => ({
          kernel: "elementwise" as const,
          shape: [size],
          sources: [{ kind: "index" as const, offset: 0, strides: [1] }],
          instructions: [
            { op: "toF32" as const, dtype: "i32" as const, args: [0] as const },
            { op: "sin" as const, dtype: "f32" as const, args: [1] as const },
          ],
          results: [{ register: 2, operand: operand({ buffer: 0 }) }],
        })),
      });
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      await program.run({ inputs: [], states: [] });
      clearInterval(timer);
      expect(ticks).toBeGreaterThan(0);
    });

    it("refuses another backend's buffers, and its own once they are disposed", async () => {
      const buffer = backend.allocate(4);
      const foreign: DeviceBuffer = { bytes: 4, dispose() {} };
      await expect(backend.read(foreign)).rejects.toThrow(BackendError);
      await expect(backend.write(foreign, Float32Array.of(1))).rejects.toThrow(BackendError);
      buffer.dispose();
      buffer.dispose();
      await expect(backend.read(buffer)).rejects.toThrow(BackendError);
    });

    // The last test: it closes the backend. Closing twice is no mistake.
    it("ends after what was asked for, and then refuses", async () => {
      const buffer = backend.allocate(4);
      const done = [backend.write(buffer, Float32Array.of(7)), numbers(backend, buffer)] as const;
      await Promise.all([backend.close(), backend.close()]);
      expect(await done[1]).toEqual([7]);
      await expect(backend.read(buffer)).rejects.toThrow(BackendError);
      expect(() => backend.allocate(4)).toThrow(BackendError);
    });
  });
}
