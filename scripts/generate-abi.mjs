// Writes native/abi.h from src/backends/native/abi.ts.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { importTypeScript, root } from "./import-typescript.mjs";

const { abiHeader } = await importTypeScript("src/backends/native/abi-header.ts");
writeFileSync(join(root, "native", "abi.h"), abiHeader());
