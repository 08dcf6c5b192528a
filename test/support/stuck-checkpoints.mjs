// For `node --import`: the disk does not answer when a checkpoint is to be written, and the process says so.

import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";

const { open } = fs;
fs.open = (path, flags) => {
  if (!/^\.checkpoint-/.test(basename(path))) return open(path, flags);
  process.stderr.write("stuck\n");
  return new Promise(() => setInterval(() => {}, 1000));
};
syncBuiltinESMExports();
