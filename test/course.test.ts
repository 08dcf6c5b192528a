// The course: its programs run and learn, its commands work, what it says they print they print, and
// both languages have the same of it. support/documents.ts says how documents are run.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { root, temporaryFolder } from "./cli/run.js";
import {
  type Block,
  blocksOf,
  brokenLinks,
  commandsOf,
  matches,
  readDocument,
  runCommand,
  runProgram,
  trainingLimits,
} from "./support/documents.js";

const pages = readdirSync(join(root, "docs", "course")).filter((file) => file.endsWith(".md"));
const chapters = pages.filter((file) => /^\d/.test(file));
const english = (page: string) => join("docs", "course", page);
const chinese = (page: string) => join("docs", "course", "zh", page);
const at = temporaryFolder();
/** For machines that are busy with other tests. */
const timeout = 300_000;

const chapterBlocks = (chapter: string): Block[] => blocksOf(readDocument(english(chapter)));
const programFile = (chapter: string) => join(root, "examples", chapter.replace(/md$/, "ts"));

/** The `text` block that says what the block before it prints. */
const outputOf = (blocks: readonly Block[], i: number): Block | undefined =>
  blocks[i + 1]?.language === "text" ? blocks[i + 1] : undefined;

/** Without blank lines, which part blocks in a program and lines in a document. */
const lines = (text: string) => text.split("\n").filter((line) => line.trim() !== "");

test("has six chapters, in English and in Chinese", () => {
  expect(chapters.length).toBe(6);
  expect(readdirSync(join(root, "docs", "course", "zh"))).toEqual(pages);
});

test("says what the tests add to trainings", () => {
  for (const text of [english("README.md"), chinese("README.md")].map(readDocument)) {
    expect(text.replace(/\s+/g, " ")).toContain(`\`${trainingLimits.join(" ")}\``);
  }
});

describe.each(pages)("%s", (page) => {
  test("has the same blocks in both languages", () => {
    expect(blocksOf(readDocument(chinese(page)))).toEqual(blocksOf(readDocument(english(page))));
  });

  test("has no broken links", () => {
    expect(brokenLinks(english(page))).toEqual([]);
    expect(brokenLinks(chinese(page))).toEqual([]);
  });
});

/** A small number for each program, and what shows that it has learnt by then. */
const runs: Readonly<Record<string, { args: string[]; learnt: (out: string) => void }>> = {
  "01-parts.md": {
    args: ["2"],
    learnt: (out) => expect(last(out, /test accuracy (0\.\d+)/g)).toBeGreaterThan(0.75),
  },
  "02-lenet-to-alexnet.md": { args: ["40"], learnt: (out) => expectFall(out, 0.3) },
  "03-vgg.md": { args: ["40"], learnt: (out) => expectFall(out, 0.3) },
  "04-nin.md": {
    args: ["2"],
    learnt: (out) => expect(last(out, /test accuracy (0\.\d+)/g)).toBeGreaterThan(0.35),
  },
  "05-googlenet.md": { args: ["100"], learnt: (out) => expectFall(out, 0.3) },
  "06-training-well.md": {
    args: ["6"],
    learnt: (out) => {
      expect(last(out, /none: train \S+ test (0\.\d+)/g)).toBeGreaterThan(0.6);
      expect(last(out, /light: train \S+ test (0\.\d+)/g)).toBeGreaterThan(0.5);
    },
  },
};

/** What programs write to build/course/, and chapters show from docs/figures/. */
const figures: Readonly<Record<string, string[]>> = {
  "01-parts.md": ["edges.png"],
  "06-training-well.md": ["augmented.png"],
};

const pixelsOf = (file: string) => sharp(file).raw().toBuffer();

const last = (out: string, pattern: RegExp): number =>
  Number([...out.matchAll(pattern)].at(-1)![1]);

/** The loss of the last ten steps is less than that of the first, by this much at least. */
function expectFall(out: string, least: number): void {
  const [first, end] = [...out.matchAll(/loss of the .* 10 steps +(\d\.\d+)/g)].map((m) => +m[1]!);
  expect(Math.abs(first! - Math.log(10))).toBeLessThan(0.5);
  expect(end).toBeLessThan(first! - least);
}

describe.each(chapters)("the program of %s", (chapter) => {
  const blocks = chapterBlocks(chapter);

  test("is the chapter's blocks, one after the other", () => {
    const program = readFileSync(programFile(chapter), "utf8").replace(/^(\/\/.*\n)+/, "");
    const code = blocks.filter(({ language }) => language === "ts").map(({ text }) => text);
    expect(lines(code.join("\n"))).toEqual(lines(program));
  });

  test("prints what the chapter says, and learns", { timeout }, async () => {
    const { args, learnt } = runs[chapter]!;
    mkdirSync(at(chapter), { recursive: true });
    const { code, out, err } = await runProgram(programFile(chapter), args, at(chapter));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const outputs = blocks.flatMap((block, i) =>
      block.language === "ts" ? (outputOf(blocks, i) ?? []) : [],
    );
    let rest = out;
    for (const output of outputs) {
      const found = prefixThatMatches(output, rest);
      expect(found, `${output.text}\n— is not what comes next in —\n${rest}`).toBeDefined();
      rest = rest.slice(found!.length);
    }
    expect(rest).toBe("");
    learnt(out);
    for (const figure of figures[chapter] ?? []) {
      const drawn = await pixelsOf(join(at(chapter), "build", "course", figure));
      expect(drawn.equals(await pixelsOf(join(root, "docs", "figures", figure))), figure).toBe(
        true,
      );
    }
  });
});

/** The shortest beginning, in whole lines, that the block describes and after which it does not go on. */
function prefixThatMatches(output: Block, printed: string): string | undefined {
  let found: string | undefined;
  for (const { index } of printed.matchAll(/\n/g)) {
    const prefix = printed.slice(0, index + 1);
    if (matches(output, prefix)) found = prefix;
    else if (found !== undefined) break;
  }
  return found;
}

describe.each(chapters)("the commands of %s", (chapter) => {
  const blocks = chapterBlocks(chapter);
  const folder = () => at(`commands-${chapter}`);
  beforeAll(() => {
    mkdirSync(folder(), { recursive: true });
  });

  const commands = blocks.flatMap((block, i) => {
    if (block.language !== "sh") return [];
    const all = commandsOf(block);
    const output = all.length === 1 ? outputOf(blocks, i) : undefined;
    return all.map((command) => ({ command, output }));
  });
  // the program has been run above
  const others = commands.filter(({ command }) => !command.endsWith(chapter.replace(/md$/, "ts")));

  test("begin with the program", () => {
    expect(commands[0]!.command).toBe(
      `npm run example -- examples/${chapter.replace(/md$/, "ts")}`,
    );
  });

  test.each(others)("$command", { timeout }, async ({ command, output }) => {
    const { code, out, err } = (await runCommand(command, folder()))!;
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    if (output) expect(matches(output, out), out).toBe(true);
  });
});
