// Imports one of the project's TypeScript files, for scripts that run before there is a dist folder.
// Compiles it and what it imports into dist, as the real build does, but without checking types.

import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export function importTypeScript(path) {
  const outDir = join(root, "dist");
  const program = ts.createProgram([join(root, path)], {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    rootDir: join(root, "src"),
    types: ["node"],
    outDir,
  });
  program.emit();
  const out = join(outDir, relative("src", path)).replace(/\.ts$/, ".js");
  return import(pathToFileURL(out).href);
}
