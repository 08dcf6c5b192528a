// Builds the addon from a fresh checkout, before there is a dist folder.

import { importTypeScript } from "./import-typescript.mjs";

const { buildNative } = await importTypeScript("src/backends/native/build.ts");
await buildNative({ log: (line) => console.log(line) });
