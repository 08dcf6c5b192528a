// The package as npm would publish it, in a project of its own: with nothing but what it lists.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Outcome, root, run } from "./cli/run.js";

let project: string;
let home: string;
let files: string[];

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "fovea-project-"));
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", project];
  const packed = await run("npm", pack);
  const [{ filename, files: listed }] = JSON.parse(packed.out);
  files = listed.map((file: { path: string }) => file.path);

  // What `npm install` does, with the packages that are here already.
  home = join(project, "node_modules", "fovea");
  mkdirSync(home, { recursive: true });
  await run("tar", ["-xzf", join(project, filename), "-C", home, "--strip-components=1"]);
  const { dependencies } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    const link = join(project, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link);
  }
  // Objects are named by what they are made from, so these are used only if the sources are the same.
  cpSync(join(root, "build", "native", "obj"), join(home, "build", "native", "obj"), {
    recursive: true,
  });
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

const fovea = (...args: string[]): Promise<Outcome> =>
  run(process.execPath, [join(home, "dist", "cli", "main.js"), ...args], project);

test("holds the library, the kernels' sources, the data, and no tests", () => {
  for (const file of ["dist/node.js", "dist/node.d.ts", "native/gemm.cc", "bench/torch_bench.py"]) {
    expect(files).toContain(file);
  }
  expect(files.filter((file) => file.startsWith("data/")).length).toBe(5);
  expect(files.filter((file) => /\.test\.|^test\/|^build\/|^native\/bench/.test(file))).toEqual([]);
  const { scripts } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  expect(Object.keys(scripts).filter((name) => /install|^prepare$/.test(name))).toEqual([]);
});

test("says what to do before it is built, and trains once it is", {
  timeout: 300_000,
}, async () => {
  const train = ["train", "lenet", "--max-steps", "2", "--limit-test", "100", "--out", "run"];
  const before = await fovea(...train);
  expect(before.code).toBe(1);
  expect(before.err).toMatch(
    /^error: native backend: it has not been built yet .*`npx fovea build`\n$/m,
  );
  expect(existsSync(join(project, "run"))).toBe(false);

  const built = await fovea("build");
  expect(built.err).toBe("");
  expect(built.out).toMatch(/\nready: .*fovea\.node\n$/);
  const after = await fovea(...train);
  expect(after.code).toBe(0);
  expect(after.out).toMatch(/\n\d+\.\d examples\/sec on cpu\n$/);
  expect(existsSync(join(project, "run", "weights.safetensors"))).toBe(true);
});
