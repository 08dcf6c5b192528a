// npm run fuzz -- --parser NAME [--minutes M | --inputs N] [--seed S] [--from I]

import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { FuzzFailure, type FuzzReport, fuzz } from "./fuzz.js";
import { parsers } from "./parsers.js";

interface Options {
  readonly parser: string;
  readonly minutes: number;
  readonly inputs?: number;
  readonly seed: number;
  readonly from: number;
}

const number = (text: string): number => {
  const value = Number(text);
  if (!(value >= 0)) throw new InvalidArgumentError("Expected a number.");
  return value;
};

const names = Object.keys(parsers);
const command = new Command("npm run fuzz --")
  .description("damages small files and sees that their parsers read or refuse each of them")
  .requiredOption("--parser <name>", `${names.join(", ")}, or all`)
  .option("--minutes <m>", "for how long, each parser", number, 1)
  .option("--inputs <n>", "for how many inputs, each parser, instead", number)
  .option("--seed <n>", "another row of inputs", number, 0)
  .option("--from <n>", "the number of the first input", number, 0)
  .parse();
const { parser, minutes, inputs, seed, from } = command.opts<Options>();
if (parser !== "all" && !names.includes(parser)) {
  command.error(`error: there is no parser "${parser}"; there are ${names.join(", ")}, and all`);
}

const inWords = (name: string, { slowest, ...report }: FuzzReport) =>
  `${name}: ${report.inputs} inputs, ${report.accepted} read, ${report.refused} refused; ` +
  `${Math.round(report.inputs / report.seconds)} inputs/s, slowest ${slowest.milliseconds.toFixed(0)} ms ` +
  `(input ${slowest.index}), memory +${Math.round(report.memory / 2 ** 20)} MB`;

for (const name of parser === "all" ? names : [parser]) {
  const end = performance.now() + minutes * 60_000;
  const more = (done: number) => (inputs === undefined ? performance.now() < end : done < inputs);
  const progress = process.stderr.isTTY
    ? (report: FuzzReport) => process.stderr.write(`\r\x1b[K${inWords(name, report)}`)
    : () => {};
  try {
    const report = await fuzz({ parser: name, seed, from, more, progress });
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    console.log(inWords(name, report));
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error;
    const file = `fuzz-${name}-${seed}-${error.index}.bin`;
    writeFileSync(file, error.input);
    console.error(`${error.message}\nseed ${seed}; the input is in ${file}`);
    process.exitCode = 1;
  }
}
