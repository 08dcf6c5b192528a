// npm run test:kill: the test of trainings that are killed, with as many kills as docs/reliability.md tells
// of, or as are asked for: `npm run test:kill -- 1000`. A second number is the seed of the moments.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root, runScript, setUp } from "./setup.mjs";

const [kills = "200", seed = "1"] = process.argv.slice(2);

await runScript(async () => {
  await setUp();
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const env = { ...process.env, FOVEA_KILLS: kills, FOVEA_KILL_SEED: seed };
  const args = [vitest, "run", "test/cli/kill.test.ts"];
  return spawnSync(process.execPath, args, { cwd: root, stdio: "inherit", env }).status ?? 1;
});
