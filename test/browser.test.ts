// The library, its data and its formats in a bundle for browsers: nothing of Node's is in it, and it
// computes.

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodePth } from "./support/pth.js";
import { transpileInto } from "./support/transpile.js";

const packageFile = fileURLToPath(new URL("../package.json", import.meta.url));

let project = "";
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "fovea-browser-"));
  const home = join(project, "fovea");
  mkdirSync(home);
  transpileInto(home);
  copyFileSync(packageFile, join(home, "package.json"));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(home, join(project, "node_modules", "fovea"));
  const crc32 = fileURLToPath(new URL("../node_modules/crc-32", import.meta.url));
  symlinkSync(crc32, join(project, "node_modules", "crc-32"));
});
afterAll(() => rmSync(project, { recursive: true }));

const program = `
import { compile, nn, openReference, setBackend } from "fovea";
import { DataLoader, Resize, parseIdx } from "fovea/data";
import { parsePth, parseSafetensors } from "fovea/formats";

setBackend(await openReference());
const dataset = {
  images: Uint8Array.from({ length: 32 }, (_, i) => i), labels: Uint8Array.of(0, 1), count: 2,
  height: 4, width: 4, channels: 1, classNames: ["a", "b"], source: "numbers",
};
const options = { batchSize: 2, transforms: [Resize(2)] };
const loader = new DataLoader(dataset, { ...options, workers: 0 });
const mean = compile((x) => loader.pixels(x).mean());
for await (const [x] of loader) console.log((await (await mean(x)).item()).toFixed(4));
const threads = new DataLoader(dataset, { ...options, workers: 1 });
await threads.rawEpoch(0).next().catch((error) => console.log(error.message));
console.log(typeof parseIdx, typeof parseSafetensors, typeof nn.Linear);
const pth = Uint8Array.from(atob("${Buffer.from(encodePth([["w", { shape: [2], data: Float32Array.of(3, 4) }]])).toString("base64")}"), (c) => c.charCodeAt(0));
console.log(parsePth(pth).get("w").data.join());
`;

test("bundles for a browser, without Node, and runs", async () => {
  writeFileSync(join(project, "program.js"), program);
  const warnings: string[] = [];
  const bundle = await rolldown({
    input: join(project, "program.js"),
    platform: "browser",
    onLog: (_, log) => warnings.push(log.message),
  });
  const { output } = await bundle.write({ dir: join(project, "out"), format: "esm" });
  expect(warnings).toEqual([]);
  const code = output.map((part) => (part.type === "chunk" ? part.code : "")).join("\n");
  expect(code).not.toMatch(/["'](node:|sharp)/);
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(project, "out", output[0].fileName),
  ]);
  // 0…31 resized keeps its mean, 15.5: as much is rounded up as down.
  expect(stdout.trim().split("\n")).toEqual([
    (15.5 / 255).toFixed(4),
    "DataLoader: there are no worker threads here; pass workers: 0",
    "function function function",
    "3,4",
  ]);
});
