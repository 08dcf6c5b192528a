// Runs a TypeScript program of this repository, as `npm run example -- examples/fashion-mnist.ts`: sets
// the clone up, then imports the file. In it, "fovea" is this package as built.

import { register } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { runScript, SetupError, setUp } from "./setup.mjs";

await runScript(async () => {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) throw new SetupError("usage: npm run example -- FILE [ARGUMENT…]");
  await setUp();
  register("./typescript-hooks.mjs", import.meta.url);
  const path = resolve(file);
  process.argv = [process.execPath, path, ...args];
  await import(pathToFileURL(path));
});
