// npm run fuzz: runs test/fuzz/main.ts from the sources as they are; nothing has to be built. With
// --make-corpus it makes the files that it damages anew.

import { register } from "node:module";

register("./typescript-hooks.mjs", import.meta.url);
if (process.argv[2] === "--make-corpus") {
  const { makeCorpus } = await import("../test/fuzz/make-corpus.ts");
  await makeCorpus();
} else await import("../test/fuzz/main.ts");
