// For `node --import`: the disk refuses the second checkpoint at the operation that FOVEA_FAULT names, as
// "ENOSPC write": open, write, sync or rename.

import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";

const [code, operation] = process.env.FOVEA_FAULT.split(" ");
const { open, rename } = fs;
let checkpoints = 0;

const refused = async () => {
  throw Object.assign(new Error(`${code}: refused`), { code });
};
const fails = (name) => checkpoints === 2 && name === operation;

fs.open = async (path, flags) => {
  if (!/^\.checkpoint-/.test(basename(path))) return open(path, flags);
  checkpoints++;
  if (fails("open")) return refused();
  const handle = await open(path, flags);
  for (const name of ["write", "sync"]) if (fails(name)) handle[name] = refused;
  return handle;
};
fs.rename = (from, to) =>
  /^checkpoint-/.test(basename(to)) && fails("rename") ? refused() : rename(from, to);
syncBuiltinESMExports();
