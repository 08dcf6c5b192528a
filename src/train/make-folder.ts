// Makes a folder and those above it, one by one: Node's own way never returns where the system answers
// that a folder's parent is missing although it is there (below /proc). Node only.

import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DataError } from "../errors.js";
import { errorCode, fileError } from "../formats/files.js";

/**
 * @returns The topmost folder that was not there before; undefined if there was nothing to make.
 * @throws DataError naming the folder.
 */
export function makeFolder(path: string): string | undefined {
  const missing: string[] = [];
  try {
    for (let at = resolve(path); !isFolder(at); at = dirname(at)) missing.push(at);
    for (const folder of [...missing].reverse()) make(folder);
  } catch (error) {
    throw fileError(path, "written", error);
  }
  return missing.at(-1);
}

function isFolder(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status && !status.isDirectory()) throw new DataError(path, "is a file; expected a folder");
  return status !== undefined;
}

/** Another process may have been faster. */
function make(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}
