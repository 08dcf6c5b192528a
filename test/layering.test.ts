// The road through the code has one direction: an import only goes down. This test holds it, and that
// what runs in a browser imports nothing of Node's.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const src = join(dirname(fileURLToPath(import.meta.url)), "../src");

/** From the bottom up. A file belongs to the first layer that one of its patterns matches. */
const layers: readonly (readonly [name: string, files: RegExp])[] = [
  ["errors", /^errors\.ts$/],
  ["element types, shapes", /^graph\/(dtype|shape|threefry)\.ts$/],
  ["backend contract", /^backends\/(kernels|backend|operands)\.ts$/],
  ["graph", /^graph\//],
  ["ops", /^ops\//],
  ["tensor", /^(tensor|lazy-array|create|combine|format|trace|state|runtime)\.ts$/],
  ["plan", /^plan\//],
  ["compile", /^(execute|memory|compile)\.ts$/],
  ["backends", /^backends\//],
  ["engine", /^engine\.ts$/],
  ["nn, optim", /^(nn|optim)\//],
  ["models, data, formats", /^(models|data|formats)\//],
  ["library", /^(index|node)\.ts$/],
  ["train", /^train\//],
  ["look", /^look\//],
  ["cli", /^cli\//],
];

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));

function importsOf(file: string): { readonly specifier: string; readonly typeOnly: boolean }[] {
  const text = readFileSync(join(src, file), "utf8");
  const found = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gms,
  );
  return [...found].map((m) => ({ specifier: (m[2] ?? m[3])!, typeOnly: m[1] !== undefined }));
}

const target = (file: string, specifier: string) =>
  relative(src, join(src, dirname(file), specifier))
    .replaceAll("\\", "/")
    .replace(/\.js$/, ".ts");

/** Packages that are nothing but JavaScript: test/browser.test.ts bundles them. */
const plainPackages: ReadonlySet<string> = new Set(["crc-32"]);

const layerOf = (file: string) => layers.findIndex(([, pattern]) => pattern.test(file));

describe("imports", () => {
  test("every file has a place", () => {
    expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
  });

  test("only go down", () => {
    const upward = files.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => target(file, specifier))
        .filter((to) => layerOf(to) > layerOf(file))
        .map((to) => `${file} → ${to}`),
    );
    expect(upward).toEqual([]);
  });

  test("form no circle", () => {
    const circles: string[] = [];
    const state = new Map<string, "open" | "done">();
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
        return;
      }
      state.set(file, "open");
      for (const { specifier, typeOnly } of importsOf(file)) {
        if (specifier.startsWith(".") && !typeOnly) visit(target(file, specifier), [...path, file]);
      }
      state.set(file, "done");
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test("of what runs in a browser stay clear of Node", () => {
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const { specifier, typeOnly } of importsOf(file)) {
        if (specifier.startsWith(".") && !typeOnly) visit(target(file, specifier));
      }
    };
    for (const entry of ["index.ts", "data/browser.ts", "formats/browser.ts"]) visit(entry);
    const node = [...reached].filter((file) =>
      importsOf(file).some(
        ({ specifier, typeOnly }) =>
          !specifier.startsWith(".") && !typeOnly && !plainPackages.has(specifier),
      ),
    );
    expect(node).toEqual([]);
    expect(reached.size).toBeGreaterThan(40);
  });
});
