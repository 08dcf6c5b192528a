// The checks of `npm run check`, so that no change passes the tests without them.

import { join } from "node:path";
import { expect, test } from "vitest";
import { root, run } from "./cli/run.js";

async function output(tool: string, ...args: string[]): Promise<string> {
  const script = join(root, "node_modules", ...tool.split("/"));
  const { out, err } = await run(process.execPath, [script, ...args]);
  return out + err;
}

test("types fit, in tests and examples too", { timeout: 120_000 }, async () => {
  expect(await output("typescript/bin/tsc", "-p", "tsconfig.json", "--noEmit")).toBe("");
});

test("linter and formatter have nothing to say", { timeout: 120_000 }, async () => {
  const said = await output("@biomejs/biome/bin/biome", "check", "--colors=off", ".");
  expect(said).toMatch(/^Checked \d+ files in .*\. No fixes applied\.\n$/);
});
