import { describe, expect, it } from "vitest";
import { FoveaError, MemoryError } from "../errors.js";
import { exitCodeOf, explain, InterruptedError, UsageError } from "./errors.js";

describe("explain", () => {
  it("has one sentence for what people can act on", () => {
    expect(explain(new FoveaError("there is no model"))).toBe("error: there is no model");
    expect(explain(new InterruptedError("interrupted"))).toBe("interrupted");
  });

  it("takes memory that is used up for no mistake of its own", () => {
    let refused: unknown;
    try {
      new ArrayBuffer(2 ** 52);
    } catch (error) {
      refused = error;
    }
    expect(explain(refused)).toBe(
      "error: there is not enough memory (Array buffer allocation failed); smaller batches and smaller images need less",
    );
    expect(explain(new RangeError("Invalid typed array length: 9000000000"))).toBe(
      "error: there is not enough memory (Invalid typed array length: 9000000000); smaller batches and smaller images need less",
    );
    expect(explain(new RangeError("Invalid typed array length: -1"))).toMatch(/this is a mistake/);
    expect(explain(new RangeError("Invalid array length"))).toMatch(
      /^error: this is a mistake in Fovea itself, please report it\nRangeError: Invalid array length\n/,
    );
  });
});

describe("memory that a plan needs and the machine has not", () => {
  const error = new MemoryError(2000, 1000, 12, "memory: this needs more; a batch of 12 would fit");

  it("is told with the option that helps, where the command has it", () => {
    expect(explain(error, true)).toBe(
      "error: memory: this needs more; a batch of 12 would fit: --batch-size 12 or less",
    );
    expect(explain(error)).toBe("error: memory: this needs more; a batch of 12 would fit");
    const none = new MemoryError(2000, 1000, undefined, "memory: not even a batch of 1 would fit");
    expect(explain(none, true)).toBe("error: memory: not even a batch of 1 would fit");
  });
});

describe("exitCodeOf", () => {
  it("is what shells expect", () => {
    const errors = [
      new FoveaError("x"),
      new RangeError("x"),
      new UsageError("x"),
      new InterruptedError("x"),
      new InterruptedError("x", "SIGTERM"),
      new InterruptedError("x", "SIGHUP"),
    ];
    expect(errors.map(exitCodeOf)).toEqual([1, 1, 2, 130, 143, 129]);
  });
});
