import { afterEach, describe, expect, it, vi } from "vitest";
import "../engine.js";
import { scalar } from "../create.js";
import type { Tensor } from "../tensor.js";
import type { BatchResult } from "./history.js";
import { IdleClock, runPipeline } from "./pipeline.js";

/** An engine that finishes steps one after the other, when told to. */
class SlowEngine {
  started = 0;
  finished = 0;
  most = 0;
  #last: Promise<unknown> = Promise.resolve();

  step = async () => {
    const number = this.started++;
    this.most = Math.max(this.most, this.started - this.finished);
    this.#last = this.#last.then(() => new Promise((resolve) => setTimeout(resolve, 5)));
    await this.#last;
    this.finished++;
    return { loss: scalar(number), correct: scalar(1, "i32") };
  };
}

async function* batches(count: number): AsyncGenerator<[Tensor, Tensor]> {
  for (let i = 0; i < count; i++) yield [scalar(0), { shape: [i + 1] } as unknown as Tensor];
}

const collect = () => {
  const results: BatchResult[] = [];
  return { results, onResult: (result: BatchResult) => void results.push(result) };
};

afterEach(() => {
  vi.useRealTimers();
});

describe("runPipeline", () => {
  it("tells every result, in order, with one step waiting behind the one that runs", async () => {
    const engine = new SlowEngine();
    const { results, onResult } = collect();
    await runPipeline({ batches: batches(7), step: engine.step, onResult });
    expect(results.map((r) => r.loss)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(results.map((r) => r.examples)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(engine.most).toBe(2);
  });

  it.each([
    // the first batch, then what each step of 5 ms leaves of the next
    { each: 40, count: 5, waited: 40 + 4 * 35 },
    { each: 6, count: 3, waited: 6 + 2 * 1 },
    { each: 3, count: 4, waited: 3 },
    { each: 0, count: 20, waited: 0 },
  ])("counts what the engine waits for batches that take $each ms", async (facts) => {
    vi.useFakeTimers();
    async function* slow() {
      for await (const batch of batches(facts.count)) {
        if (facts.each > 0) await new Promise((resolve) => setTimeout(resolve, facts.each));
        yield batch;
      }
    }
    const { step } = new SlowEngine();
    const idle = new IdleClock();
    const done = runPipeline({ batches: slow(), step, onResult: () => {}, idle });
    await vi.runAllTimersAsync();
    await done;
    expect(idle.waited).toBeCloseTo(facts.waited / 1000, 9);
  });

  it("takes no more batches than its limit, and ends the source", async () => {
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield* batches(1);
      } finally {
        ended = true;
      }
    }
    const engine = new SlowEngine();
    const { results, onResult } = collect();
    await runPipeline({ batches: endless(), step: engine.step, onResult, limit: 3 });
    expect(results.length).toBe(3);
    expect(engine.started).toBe(3);
    expect(ended).toBe(true);
  });

  it("ends with the error of a step, of a listener, or of the signal", async () => {
    const { step } = new SlowEngine();
    const failing = async () => {
      throw new Error("step");
    };
    await expect(
      runPipeline({ batches: batches(5), step: failing, onResult: () => {} }),
    ).rejects.toThrow("step");

    const engine = new SlowEngine();
    const onResult = () => {
      throw new Error("listener");
    };
    await expect(
      runPipeline({ batches: batches(100), step: engine.step, onResult }),
    ).rejects.toThrow("listener");
    expect(engine.started).toBeLessThan(10);

    const controller = new AbortController();
    const stop = () => controller.abort(new Error("enough"));
    await expect(
      runPipeline({ batches: batches(5), step, onResult: stop, signal: controller.signal }),
    ).rejects.toThrow("enough");
  });

  it("tells nothing after it has ended with an error", async () => {
    const controller = new AbortController();
    const { results, onResult } = collect();
    async function* aborted() {
      yield* batches(2);
      controller.abort(new Error("enough"));
      yield* batches(1);
    }
    const { step } = new SlowEngine();
    await expect(
      runPipeline({ batches: aborted(), step, onResult, signal: controller.signal }),
    ).rejects.toThrow("enough");
    expect(results.length).toBe(2);
  });
});
