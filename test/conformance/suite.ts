// One kernel's part of the conformance suite, as data: how to draw its calls, which ones to try
// always, and how to build a case from what was drawn (plain data, so that fast-check can shrink
// and print it).

import fc from "fast-check";
import type { Backend } from "../../src/backends/backend.js";
import type { Case } from "./build.js";
import { check } from "./check.js";

export interface Suite {
  readonly name: string;
  /** Rejects with the smallest call found that the backends get wrong. */
  run(backends: readonly Backend[]): Promise<void>;
}

/** The same calls every time, unless this asks for others, and for more of them. */
const otherSeed = process.env.FOVEA_FUZZ_SEED;
const seed = otherSeed === undefined ? 20 : Number(otherSeed);
const runs = otherSeed === undefined ? 150 : 1500;

export function suite<Spec>(
  name: string,
  drawn: fc.Arbitrary<Spec>,
  always: readonly Spec[],
  build: (spec: Spec) => Case,
): Suite {
  return {
    name,
    run: (backends) =>
      fc.assert(
        fc.asyncProperty(drawn, (spec) => check(build(spec), backends)),
        { seed, numRuns: runs + always.length, examples: always.map((spec) => [spec]) },
      ),
  };
}

export const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
