// The native backend beyond what every backend promises (test/conformance): threads that end, memory
// that outlives its handles, an event loop that stays free.

import { spawnSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { inputsAndOutputs, noise, operand, runOnce } from "../../../test/support/programs.js";
import { BackendError } from "../../errors.js";
import type { KernelCall, Program } from "../kernels.js";
import { loadAddon } from "./binding.js";
import { openNative } from "./index.js";
import { addonPath } from "./paths.js";

const backend = openNative({ threads: 2 });
afterAll(() => backend.close());

/** to = sin(from), `times` over: slow enough to be met at work. */
function slowProgram(length: number, times: number): Program {
  const call: KernelCall = {
    kernel: "elementwise",
    shape: [length],
    sources: [{ kind: "memory", operand: operand(0, [1]) }],
    instructions: [{ op: "sin", dtype: "f32", args: [0] }],
    results: [{ register: 1, operand: operand(1, [1]) }],
  };
  return {
    buffers: inputsAndOutputs([new Float32Array(length)], [{ dtype: "f32", length }]),
    arenaBytes: 0,
    calls: Array.from({ length: times }, () => call),
  };
}

/** state += input */
function addProgram(length: number): Program {
  return {
    buffers: [
      { kind: "state", index: 0, bytes: 4 * length },
      { kind: "input", index: 0, bytes: 4 * length },
    ],
    arenaBytes: 0,
    calls: [
      {
        kernel: "elementwise",
        shape: [length],
        sources: [
          { kind: "memory", operand: operand(0, [1]) },
          { kind: "memory", operand: operand(1, [1]) },
        ],
        instructions: [{ op: "add", dtype: "f32", args: [0, 1] }],
        results: [{ register: 2, operand: operand(0, [1]) }],
      },
    ],
  };
}

describe("openNative", () => {
  it("says what runs", async () => {
    const isas = loadAddon().isas;
    expect(isas).toContain("portable");
    expect(backend.description).toBe(`native ${isas[0]}, 2 threads`);
    const single = openNative({ threads: 1, isa: "portable" });
    expect(single.description).toBe("native portable, 1 thread");
    await single.close();
    expect(backend.availableMemory()).toBeGreaterThan(0);
  });

  it("refuses what the machine has not", () => {
    expect(() => openNative({ isa: "mmx" })).toThrow(
      `openNative: this machine has no kernels for "mmx"; it has ${loadAddon().isas.join(", ")}`,
    );
    expect(() => openNative({ threads: 0 })).toThrow(
      "openNative: expected 1 to 1024 threads, got 0",
    );
  });
});

describe("memory", () => {
  it("lives as long as a queued job needs it, whatever is disposed meanwhile", async () => {
    const length = 200_000;
    const executable = backend.load(slowProgram(length, 5));
    const input = backend.allocate(4 * length);
    await backend.write(input, noise(length));
    const runs = [1, 2, 3].map(() => executable.run({ inputs: [input], states: [] }));
    input.dispose();
    executable.dispose();
    const results = await Promise.all(runs);
    const last = results[2]!.outputs[0]!;
    const bytes = backend.read(last);
    last.dispose();
    expect(new Float32Array(await bytes)[7]).toBeCloseTo(Math.sin(noise(8)[7]!), 6);
    await expect(executable.run({ inputs: [input], states: [] })).rejects.toThrow(
      "native: executable was disposed",
    );
    await expect(backend.read(input)).rejects.toThrow("native: buffer was disposed");
  });

  it("is shared by the arenas of programs that come and go", async () => {
    const length = 1 << 20;
    const program = (arena: number): Program => ({
      buffers: [
        { kind: "arena", offset: arena, bytes: 4 * length },
        { kind: "output", index: 0, bytes: 4 * length },
      ],
      arenaBytes: arena + 4 * length,
      calls: [
        {
          kernel: "elementwise",
          shape: [length],
          sources: [{ kind: "constant", dtype: "f32", value: arena / 64 + 1 }],
          instructions: [],
          results: [{ register: 0, operand: operand(0, [1]) }],
        },
        {
          kernel: "elementwise",
          shape: [length],
          sources: [{ kind: "memory", operand: operand(0, [1]) }],
          instructions: [],
          results: [{ register: 0, operand: operand(1, [1]) }],
        },
      ],
    });
    const values = async (arena: number) => {
      const [bytes] = await runOnce(backend, program(arena), []);
      return new Float32Array(bytes!);
    };
    const arenas = [0, 1 << 24, 64, 1 << 22];
    for (const [i, array] of (await Promise.all(arenas.map(values))).entries()) {
      expect(array[0]).toBe(arenas[i]! / 64 + 1);
      expect(array[length - 1]).toBe(arenas[i]! / 64 + 1);
    }
  });

  it("of an arena is given back with the last program that needs it", async () => {
    const length = 1 << 26; // 256 MiB
    const executable = backend.load({
      buffers: [{ kind: "arena", offset: 0, bytes: 4 * length }],
      arenaBytes: 4 * length,
      calls: [
        {
          kernel: "elementwise",
          shape: [length],
          sources: [{ kind: "constant", dtype: "f32", value: 1 }],
          instructions: [],
          results: [{ register: 0, operand: operand(0, [1]) }],
        },
      ],
    });
    const resident = () => process.memoryUsage.rss();
    const before = resident();
    await executable.run({ inputs: [], states: [] });
    expect(resident() - before).toBeGreaterThan(3 * length);
    executable.dispose();
    await runOnce(backend, slowProgram(1, 1), [new Float32Array(1)]); // comes after
    expect(resident() - before).toBeLessThan(length);
  });

  it("does not fit where it is not", () => {
    expect(() => backend.allocate(2 ** 47)).toThrow(
      new BackendError(
        "native: allocate: no memory for 140737488355328 bytes; smaller batches need less",
      ),
    );
    expect(() => backend.allocate(-1)).toThrow("native: allocate: not a size");
  });

  it("is asked for by calls that need scratch", () => {
    expect(backend.scratchBytes([])).toBe(0);
    expect(backend.scratchBytes(slowProgram(10, 1).calls)).toBeGreaterThan(0);
  });
});

describe("bindings", () => {
  const program = addProgram(4);

  it("must be as many and as large as the program says", async () => {
    const executable = backend.load(program);
    const state = backend.allocate(16);
    const x = new Float32Array(4);
    await expect(executable.run({ inputs: [], states: [state] })).rejects.toThrow(
      "native: run: expected 1 inputs, got 0",
    );
    await expect(executable.run({ inputs: [x, x], states: [state] })).rejects.toThrow(
      "native: run: expected 1 inputs, got 2",
    );
    await expect(
      executable.run({ inputs: [new Float32Array(3)], states: [state] }),
    ).rejects.toThrow("native: run: input 0 has 12 bytes, the program expects 16");
    await expect(executable.run({ inputs: [x], states: [backend.allocate(20)] })).rejects.toThrow(
      "native: run: state 0 has 20 bytes, the program expects 16",
    );
    await expect(backend.write(state, new Float32Array(5))).rejects.toThrow(
      "native: write: 20 bytes into a buffer of 16",
    );
  });

  it("belong to the backend that runs", async () => {
    const other = openNative({ threads: 1 });
    const run = backend.load(program).run({
      inputs: [new Float32Array(4)],
      states: [other.allocate(16)],
    });
    await expect(run).rejects.toThrow("native: run: a state is of another backend");
    await other.close();
  });

  it("are taken in order, however many runs are queued", async () => {
    const length = 1000;
    const executable = backend.load(addProgram(length));
    const state = backend.allocate(4 * length);
    const x = new Float32Array(length);
    const seen: Promise<ArrayBuffer>[] = [];
    for (let i = 1; i <= 50; i++) {
      void executable.run({ inputs: [x.fill(i)], states: [state] });
      seen.push(backend.read(state));
    }
    for (const [i, bytes] of (await Promise.all(seen)).entries()) {
      expect(new Float32Array(bytes)[length - 1]).toBe(((i + 1) * (i + 2)) / 2);
    }
  });
});

describe("measurePeaks", () => {
  it("gives what the machine does at best, for every instruction set", async () => {
    for (const isa of loadAddon().isas) {
      const own = openNative({ isa, threads: 1 });
      const { flops, bytesPerSecond } = await own.measurePeaks!();
      await own.close();
      // what no machine falls short of, and none surpasses with one thread
      for (const peak of [flops, bytesPerSecond]) {
        expect(peak).toBeGreaterThan(1e7);
        expect(peak).toBeLessThan(1e13);
      }
    }
  });
});

describe("the event loop", () => {
  it("turns while programs run, and the run is measured", async () => {
    const executable = backend.load(slowProgram(1_000_000, 20));
    const input = noise(1_000_000);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const start = performance.now();
    const { seconds } = await executable.run({ inputs: [input], states: [] }, { profile: true });
    const wall = performance.now() - start;
    clearInterval(timer);
    expect(seconds).toHaveLength(20);
    const total = seconds!.reduce((a, b) => a + b, 0);
    expect(1000 * total).toBeLessThanOrEqual(wall);
    expect(longest).toBeLessThan(wall / 2);
  });
});

describe("the end", () => {
  it("of a backend comes after its jobs; then it refuses everything", async () => {
    const mine = openNative({ threads: 2 });
    const executable = mine.load(addProgram(4));
    const state = mine.allocate(16);
    const run = executable.run({ inputs: [Float32Array.of(1, 2, 3, 4)], states: [state] });
    const bytes = mine.read(state);
    await mine.close();
    await run;
    expect([...new Float32Array(await bytes)]).toEqual([1, 2, 3, 4]);
    const closed = "native: the backend was closed";
    await expect(mine.read(state)).rejects.toThrow(closed);
    await expect(mine.write(state, new Float32Array(4))).rejects.toThrow(closed);
    await expect(executable.run({ inputs: [], states: [] })).rejects.toThrow(closed);
    expect(() => mine.allocate(4)).toThrow(closed);
    expect(() => mine.load(addProgram(4))).toThrow(closed);
    expect(() => mine.scratchBytes([])).toThrow(closed);
    state.dispose();
    executable.dispose();
    await mine.close();
  });

  // What follows runs elsewhere, with the bare addon: a program of no calls and no buffers.
  const bare = `
    const addon = require(${JSON.stringify(addonPath)});
    const backend = addon.open(addon.isas[0], 2);
    const executable = addon.load(backend, new ArrayBuffer(24));
  `;
  const node = (script: string) =>
    spawnSync(process.execPath, ["--expose-gc", "-e", bare + script], {
      encoding: "utf8",
      timeout: 30_000,
    });

  it("of a process needs no close", () => {
    const idle = node("console.log('idle');");
    expect([idle.status, idle.stdout]).toEqual([0, "idle\n"]);
    // A pending job keeps the process alive.
    const pending = node("addon.run(executable, [], [], false).then(() => console.log('ran'));");
    expect([pending.status, pending.stdout]).toEqual([0, "ran\n"]);
    const abrupt = node(
      "for (let i = 0; i < 1000; i++) addon.run(executable, [], [], false); process.exit(7);",
    );
    expect(abrupt.status).toBe(7);
  });

  it("of handles is the garbage collector's business", () => {
    const { status, stdout } = node(`
      const rss = () => process.memoryUsage().rss;
      const round = () => addon.write(addon.allocate(backend, 1 << 26), new Uint8Array(1 << 26));
      (async () => {
        for (let i = 0; i < 40; i++) { await round(); if (i % 4 === 0) { gc(); await 0; } 
          await new Promise(setImmediate); }
        console.log(rss() < 20 * (1 << 26));
      })();
    `);
    expect([status, stdout]).toEqual([0, "true\n"]);
  });

  it("of a worker comes at any time", async () => {
    const script = `
      const { parentPort } = require("node:worker_threads");
      ${bare}
      parentPort.postMessage("open");
      (function again() { addon.run(executable, [], [], false).then(() => setImmediate(again)); })();
    `;
    const workers = [1, 2, 3].map(() => new Worker(script, { eval: true }));
    await Promise.all(workers.map((w) => new Promise((resolve) => w.once("message", resolve))));
    const codes = await Promise.all(workers.map((worker) => worker.terminate()));
    expect(codes).toEqual([1, 1, 1]);
    // This thread's backend is another one.
    const [bytes] = await runOnce(backend, slowProgram(3, 1), [new Float32Array(3)]);
    expect([...new Float32Array(bytes!)]).toEqual([0, 0, 0]);
  });
});
