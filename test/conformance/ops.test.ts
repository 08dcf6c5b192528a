// The conformance suite for ops: values and gradients of everything that a tensor can do, in float64
// against other arithmetic and finite differences, and on every backend against float64.

import { afterAll, beforeAll, describe, it } from "vitest";
import { getBackend, setBackend } from "../../src/index.js";
import { cases } from "./ops/cases.js";
import { checkBackend, checkMathematics } from "./ops/check.js";
import { openSubjects } from "./subjects.js";
import { verified } from "./verified.js";

const subjects = openSubjects();

describe("mathematics", () => {
  it.each(cases)("$name", checkMathematics);
});

for (const { name, backends, skipped } of subjects) {
  describe.skipIf(skipped)(skipped ? `${name} (skipped: ${skipped})` : name, () => {
    const before = getBackend();
    beforeAll(() => {
      verified(backends.at(-1)!);
    });
    afterAll(async () => {
      setBackend(before);
      for (const backend of backends) await backend.close();
    });
    it.each(cases)("$name", (test) => checkBackend(test, backends.at(-1)!));
  });
}
