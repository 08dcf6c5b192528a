// The checks of `npm run check`, so that no change passes the tests without them.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./cli/run.js";

function output(tool: string, ...args: string[]): string {
  const script = join(root, "node_modules", ...tool.split("/"));
  const { stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return stdout + stderr;
}

test("types fit, in tests and examples too", { timeout: 120_000 }, () => {
  expect(output("typescript/bin/tsc", "-p", "tsconfig.json", "--noEmit")).toBe("");
});

test("linter and formatter have nothing to say", { timeout: 120_000 }, () => {
  const said = output("@biomejs/biome/bin/biome", "check", "--colors=off", ".");
  expect(said).toMatch(/^Checked \d+ files in .*\. No fixes applied\.\n$/);
});
