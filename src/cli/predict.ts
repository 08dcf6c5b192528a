// fovea predict: what a run's network takes pictures for.

import { stat } from "node:fs/promises";
import { Command } from "commander";
import { extensionList, scanPictures } from "../data/folder-scan.js";
import { DataError, FoveaError } from "../errors.js";
import { load, type Prediction } from "../look/index.js";
import { defaultThreads, useBackend } from "./backend.js";
import { threadsOption, wholeNumber } from "./options.js";
import { note, print } from "./print.js";
import { columnsOf, padRight } from "./text.js";

interface Options {
  readonly top: number;
  readonly invert?: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

interface Problem {
  readonly file: string;
  readonly error: string;
}

type Answer = Problem | { readonly file: string; readonly predictions: readonly Prediction[] };

/** Pictures that are decoded at a time. */
const together = 16;

export function predictCommand(): Command {
  const positive = wholeNumber({ least: 1 });
  return new Command("predict")
    .description("say what pictures show, by the network of a run")
    .argument("<run>", "folder that fovea train wrote with --out")
    .argument("<image...>", "PNG or JPEG files, grey or colour, of any size; or folders with such")
    .option("--top <n>", "classes to name for each picture, the likeliest first", positive, 5)
    .option("--invert", "for dark-on-light pictures where the network learnt light-on-dark ones")
    .addOption(threadsOption())
    .option("--json", "print JSON")
    .action(predict);
}

async function predict(run: string, files: readonly string[], options: Options): Promise<void> {
  const backend = await useBackend("native", options.threads ?? defaultThreads("native"));
  try {
    const model = await load(run, { workers: 0 }); // nobody else waits for this thread
    const ask = async (file: string): Promise<Answer> => {
      try {
        const { top: topK, invert = false } = options;
        return { file, predictions: await model.predict(file, { topK, invert }) };
      } catch (error) {
        if (!(error instanceof FoveaError)) throw error;
        return { file, error: error instanceof DataError ? error.problem : error.message };
      }
    };
    const asked = (await Promise.all(files.map(picturesAt))).flat();
    const answers: Answer[] = [];
    for (let from = 0; from < asked.length; from += together) {
      const some = await Promise.all(
        asked.slice(from, from + together).map((each) => ("error" in each ? each : ask(each.file))),
      );
      for (const answer of some) {
        answers.push(answer);
        if ("error" in answer) {
          note(`warning: ${answer.file}: ${answer.error}`);
          process.exitCode = 1;
        } else if (!options.json) print(asText(answer.file, answer.predictions));
      }
    }
    if (options.json) print(JSON.stringify(answers));
    await model.close();
  } finally {
    await backend.close();
  }
}

/** A file, or the pictures of a folder in their order, and what in it cannot be read. */
async function picturesAt(path: string): Promise<(Problem | { readonly file: string })[]> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) return [{ file: path }];
  const { files, unreadable } = await scanPictures(path);
  const found = [
    ...files.map((file) => ({ file })),
    ...unreadable.map(({ file, problem }) => ({ file, error: problem })),
  ];
  if (found.length > 0) return found;
  return [{ file: path, error: `is a folder without pictures (${extensionList})` }];
}

/** The file's name, and under it a line a class. */
function asText(file: string, predictions: readonly Prediction[]): string {
  const width = Math.max(...predictions.map(({ className }) => columnsOf(className)));
  const lines = predictions.map(
    ({ className, probability }) => `  ${padRight(className, width)}  ${probability.toFixed(4)}`,
  );
  return [file, ...lines].join("\n");
}
