// The conformance suite for kernels: random calls and awkward ones, one at a time, on every backend
// that this machine has. Tolerances are derived where they are stated, in the *.cases.ts files.
// FOVEA_FUZZ_SEED=<number> draws other calls than usual, and ten times as many.

import { afterAll, describe, it } from "vitest";
import { convSuites } from "./conv.cases.js";
import { elementwiseSuites } from "./elementwise.cases.js";
import { lossSuites } from "./loss.cases.js";
import { matmulSuite } from "./matmul.cases.js";
import { poolSuites } from "./pool.cases.js";
import { reduceSuites } from "./reduce.cases.js";
import { openSubjects } from "./subjects.js";
import { winogradSuites } from "./winograd.cases.js";

const suites = [
  ...elementwiseSuites,
  ...reduceSuites,
  matmulSuite,
  ...convSuites,
  ...winogradSuites,
  ...poolSuites,
  ...lossSuites,
];
const subjects = openSubjects();

afterAll(async () => {
  for (const { backends } of subjects) for (const backend of backends) await backend.close();
});

for (const { name, backends, skipped } of subjects) {
  describe.skipIf(skipped)(skipped ? `${name} (skipped: ${skipped})` : name, () => {
    it.each(suites)("$name", (suite) => suite.run(backends), 600_000);
  });
}
