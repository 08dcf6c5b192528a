// For `node --import`: every file operation of a checkpoint first tells of itself on file descriptor 3, a
// byte each, and then takes its time, so that a process can be killed in the middle of it.

import { writeSync } from "node:fs";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";

const milliseconds = 5;

/** The operation, after a word and a while. */
const slowly =
  (operation) =>
  async (...args) => {
    writeSync(3, ".");
    await setTimeout(milliseconds);
    return operation(...args);
  };

const { open, rename } = fs;
const ofCheckpoint = (path) => /^\.?checkpoint-/.test(basename(path));

fs.open = async (path, flags) => {
  if (!ofCheckpoint(path) || flags === "r") return open(path, flags);
  const handle = await slowly(open)(path, flags);
  for (const name of ["write", "sync", "close"]) {
    handle[name] = slowly(handle[name].bind(handle));
  }
  return handle;
};
fs.rename = (from, to) => (ofCheckpoint(to) ? slowly(rename)(from, to) : rename(from, to));
syncBuiltinESMExports();
