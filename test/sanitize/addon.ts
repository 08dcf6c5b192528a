// Has all tests load the addon that FOVEA_ADDON names instead of the usual one.

import { vi } from "vitest";

vi.mock("../../src/backends/native/paths.js", async (original) => ({
  ...(await original<typeof import("../../src/backends/native/paths.js")>()),
  addonPath: process.env.FOVEA_ADDON,
}));
