// The version of the package that this file is part of.

import { readFileSync } from "node:fs";

const file = new URL("../../package.json", import.meta.url);

export const packageVersion: string = (
  JSON.parse(readFileSync(file, "utf8")) as { version: string }
).version;
