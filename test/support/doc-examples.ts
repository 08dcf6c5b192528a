// The `@example` blocks of the documentation comments, and how to run one: with everything public in
// scope, and with the few things that examples take for granted.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { Tensor } from "../../src/index.js";

export interface Example {
  readonly where: string;
  readonly code: string;
}

export function examplesIn(folder: string): Example[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      return [...text.matchAll(/@example([\s\S]*?)\n\s*\*(?:\/|\s+@)/g)].map((match) => ({
        where: `${file}:${text.slice(0, match.index).split("\n").length}`,
        code: match[1]!.replace(/^\s*\* ?/gm, "").trim(),
      }));
    });
}

/** Runs an example; what its last line is said to give, and what it gave. */
export async function runExample(
  { code }: Example,
  scope: Readonly<Record<string, unknown>>,
): Promise<{ expected: unknown; actual: unknown } | undefined> {
  const lines = code.split("\n");
  const last = lines.pop()!;
  const [, expression, comment] = /^(.*?);\s*\/\/\s*(.+)$/.exec(last) ?? [];
  const expected = comment === undefined ? undefined : parsed(comment);
  const checks = expected !== undefined && !/^(const|let|for|await for)\b/.test(expression!);
  const source = [...lines, checks ? `return (${expression});` : last].join("\n");
  // a class as a whole, so that its fields and types are handled as in the sources
  const { outputText } = ts.transpileModule(`async function example() {\n${source}\n}`, {
    compilerOptions: { target: ts.ScriptTarget.ES2023 },
  });
  const names = Object.keys(scope);
  const run = new Function(...names, `${outputText}\nreturn example();`) as (
    ...values: unknown[]
  ) => Promise<unknown>;
  const result = await run(...names.map((name) => scope[name]));
  if (!checks) return undefined;
  const actual = result instanceof Tensor ? await result.tolist() : result;
  return { expected, actual: ArrayBuffer.isView(actual) ? [...(actual as Uint8Array)] : actual };
}

function parsed(comment: string): unknown {
  try {
    return JSON.parse(comment);
  } catch {
    return undefined; // words, not a value
  }
}
