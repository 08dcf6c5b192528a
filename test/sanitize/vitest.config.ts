// The conformance suite for `npm run test:sanitize`: the same tests, with the addon that FOVEA_ADDON names
// and the time that its checks take. Everything runs in child processes, which the sanitizer is loaded into.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "test/conformance/**/*.test.ts",
      "test/determinism.test.ts",
      "src/backends/native/backend.test.ts",
    ],
    // It tries the suite's own check, on buffers that end where they do without a sanitizer.
    exclude: ["test/conformance/check.test.ts"],
    setupFiles: ["test/sanitize/addon.ts"],
    pool: "forks",
    testTimeout: 3_600_000,
  },
});
