// Hooks for Node's module loader that run the project's TypeScript sources, one file at a time and
// without checking types: for worker threads in tests, before anything is built.
//
//   register("…/scripts/typescript-hooks.mjs")    from node:module, in a file given to --import

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const isSource = (url) => url?.startsWith("file:") && url.endsWith(".ts");

/** Sources import each other as "./x.js", the name that x.ts will have once compiled. */
export async function resolve(specifier, context, next) {
  if (isSource(context.parentURL) && /^\.\.?\/.*\.js$/.test(specifier)) {
    return next(specifier.replace(/\.js$/, ".ts"), context);
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!isSource(url)) return next(url, context);
  const { outputText } = ts.transpileModule(await readFile(fileURLToPath(url), "utf8"), {
    fileName: fileURLToPath(url),
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
    },
  });
  return { format: "module", source: outputText, shortCircuit: true };
}
