// Views of views of assemblies, then arithmetic, then reductions, drawn at random: values against plain
// arrays, gradients against finite differences, every backend against float64.
// FOVEA_FUZZ_SEED=<number> draws other chains than usual, and ten times as many.

import fc from "fast-check";
import { afterAll, describe, it } from "vitest";
import { type Chain, carryOut, chains } from "./ops/chains.js";
import { checkBackend, checkMathematics, type OpCase } from "./ops/check.js";
import { spread } from "./ops/values.js";
import { openSubjects } from "./subjects.js";
import { verified } from "./verified.js";

const otherSeed = process.env.FOVEA_FUZZ_SEED;
const settings = (runs: number) => ({
  seed: otherSeed === undefined ? 21 : Number(otherSeed),
  numRuns: otherSeed === undefined ? runs : 10 * runs,
});

function caseOf(chain: Chain): OpCase {
  const { tensor, array } = carryOut(chain);
  return {
    name: JSON.stringify(chain),
    inputs: [spread(chain.shape)],
    build: tensor,
    expected: array,
    gradient: "once",
    // sums and doublings of up to seven links
    amplification: 64,
  };
}

const subjects = openSubjects();
afterAll(async () => {
  for (const { backends } of subjects) for (const backend of backends) await backend.close();
});

describe("chains of ops", () => {
  it("are what plain arrays say, and so are their gradients", () =>
    fc.assert(
      fc.asyncProperty(chains, (chain) => checkMathematics(caseOf(chain))),
      settings(400),
    ));

  for (const { name, backends, skipped } of subjects) {
    it.skipIf(skipped)(`on ${name}${skipped ? ` (skipped: ${skipped})` : ""}`, async () => {
      const backend = verified(backends.at(-1)!);
      await fc.assert(
        fc.asyncProperty(chains, (chain) => checkBackend(caseOf(chain), backend)),
        settings(150),
      );
    });
  }
});
