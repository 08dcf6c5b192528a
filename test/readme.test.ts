// What the READMEs promise to run, runs, and both say the same. support/documents.ts says how documents
// are run.

import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadFashionMnistSubset } from "../src/data/index.js";
import { root } from "./cli/run.js";
import {
  type Block,
  blocksOf,
  brokenLinks,
  commandsOf,
  matches,
  notRun,
  readDocument,
  runCommand,
  runProgram,
} from "./support/documents.js";

const blocks = blocksOf(readDocument("README.md"));
const [server, training] = blocks.filter(({ language }) => language === "ts") as [Block, Block];

/** Below build/, where a program finds "fovea" in the package above it. */
let folder: string;

beforeAll(async () => {
  mkdirSync(join(root, "build"), { recursive: true });
  folder = mkdtempSync(join(root, "build", "readme-"));
  await makePets();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The pictures that the README's reader has: two classes, and a photo of neither. */
async function makePets(): Promise<void> {
  const { train } = await loadFashionMnistSubset();
  const labels = { cat: 9, dog: 5 }; // boots and sandals will do;
  for (const [name, label] of Object.entries(labels)) {
    mkdirSync(join(folder, "pets", name), { recursive: true });
    const found = [...train.labels.keys()].filter((i) => train.labels[i] === label).slice(0, 10);
    for (const i of found) {
      const pixels = train.images.slice(i * 784, (i + 1) * 784);
      const picture = sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } });
      await picture
        .resize(40 + i, 50)
        .jpeg()
        .toFile(join(folder, "pets", name, `${i}.jpg`));
    }
  }
  const background = { r: 90, g: 120, b: 60 };
  const photo = sharp({ create: { width: 90, height: 70, channels: 3, background } });
  await photo.jpeg().toFile(join(folder, "photo.jpg"));
}

test("both READMEs have the same blocks, and links that lead somewhere", () => {
  expect(blocksOf(readDocument("README.zh-CN.md"))).toEqual(blocks);
  for (const file of ["README.md", "README.zh-CN.md"]) expect(brokenLinks(file)).toEqual([]);
});

test("the README is short", () => {
  expect(readDocument("README.md").split("\n").length).toBeLessThanOrEqual(210);
});

describe("the README's commands", () => {
  const commands = blocks.flatMap((block, i) => {
    if (block.language !== "sh") return [];
    const next = blocks[i + 1];
    return commandsOf(block).map((command) => ({
      command,
      output: next?.language === "text" ? next : undefined,
    }));
  });
  const run = commands.filter(({ command }) => !Object.hasOwn(notRun, command));

  test.each(run)("$command", { timeout: 180_000 }, async ({ command, output }) => {
    const { code, out, err } = (await runCommand(command, folder))!;
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    if (output) expect(matches(output, out), out).toBe(true);
  });

  test("leave in a run's folder the files that the table lists", () => {
    const table = readDocument("README.md").matchAll(/^\| (`.*`) \| /gm);
    const listed = [...table].flatMap(([, names]) => names!.match(/[\w.]+\.\w+\.?…?/g) ?? []);
    const found = readdirSync(join(folder, "runs", "lenet"));
    expect(listed).toContain("weights.safetensors");
    for (const name of listed) {
      const there = name.endsWith("…")
        ? found.some((file) => file.startsWith(name.slice(0, -1)))
        : found.includes(name);
      expect(there, name).toBe(true);
    }
  });

  test("every command that the README lists has help", async () => {
    const listed = [...readDocument("README.md").matchAll(/^\| `fovea (\w+)/gm)].map((m) => m[1]!);
    expect(listed.length).toBeGreaterThan(8);
    const { out } = (await runCommand("npx fovea --help", folder))!;
    const known = [...out.matchAll(/^ {2}(\w+) .*/gm)].map((m) => m[1]!);
    expect(known.filter((name) => name !== "help").sort()).toEqual(listed.sort());
  });
});

test("the README's server answers, also what is no picture", { timeout: 180_000 }, async () => {
  const port = await freePort();
  const file = join(folder, "server.ts");
  writeFileSync(file, server.text.replace("8080", String(port)));
  expect(existsSync(join(folder, "runs", "pets")), "made by the commands above").toBe(true);
  const example = join(root, "scripts", "example.mjs");
  const child = spawn(process.execPath, [example, file], { cwd: folder, stdio: "ignore" });
  try {
    const photo = readFileSync(join(folder, "photo.jpg"));
    const ask = async (body: Uint8Array<ArrayBuffer>) => {
      const response = await fetch(`http://localhost:${port}`, { method: "POST", body });
      return response.json();
    };
    const first = await untilUp(() => ask(new Uint8Array(photo)), child);
    const names = (first as { className: string }[]).map(({ className }) => className);
    expect(names.sort()).toEqual(["cat", "dog"]);
    expect(await ask(new Uint8Array(5))).toEqual({
      error: "image: is not a PNG or JPEG image (it starts with bytes 00 00 00 00)",
    });
    const many = await Promise.all(Array.from({ length: 8 }, () => ask(new Uint8Array(photo))));
    for (const answer of many) expect(answer).toEqual(first);
  } finally {
    child.kill();
  }
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0);
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Asks until somebody listens. */
async function untilUp<T>(ask: () => Promise<T>, child: ReturnType<typeof spawn>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

test("the README's example learns, and takes 30 lines at most", { timeout: 180_000 }, async () => {
  expect(training.text.split("\n").length).toBeLessThanOrEqual(30);
  const file = join(folder, "example.ts");
  writeFileSync(file, training.text);
  const { code: status, out, err } = await runProgram(file, [], folder);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toContain("(0): Conv2d(1, 16, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))");
  const [, accuracy] = /test accuracy (0\.\d+), \d+ examples\/sec\n/.exec(out)!;
  expect(Number(accuracy)).toBeGreaterThan(0.75);
  expect(readFileSync(join(folder, "net.safetensors")).length).toBeGreaterThan(100_000);
});

test("examples/fashion-mnist.ts learns, and takes 50 lines at most", {
  timeout: 180_000,
}, async () => {
  const file = join(root, "examples", "fashion-mnist.ts");
  expect(readFileSync(file, "utf8").trimEnd().split("\n").length).toBeLessThan(50);
  const { code: status, out, err } = await runProgram(file, ["2"]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  const accuracies = [...out.matchAll(/test accuracy (0\.\d+)/g)].map((m) => Number(m[1]));
  expect(accuracies.length).toBe(2);
  expect(accuracies[1]).toBeGreaterThan(0.7);
  expect(out).toMatch(/\nAnkle boot → Ankle boot\n/);
});
