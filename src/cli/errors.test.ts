import { describe, expect, it } from "vitest";
import { FoveaError } from "../errors.js";
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
      "error: there is not enough memory for this (Array buffer allocation failed)",
    );
    expect(explain(new RangeError("Invalid array length"))).toMatch(
      /^error: this is a mistake in Fovea itself, please report it\nRangeError: Invalid array length\n/,
    );
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
    ];
    expect(errors.map(exitCodeOf)).toEqual([1, 1, 2, 130, 143]);
  });
});
