// The subcommands of `fovea`, and what becomes of errors. What each subcommand does is in the file of its
// name.

import { join } from "node:path";
import { Command, CommanderError } from "commander";
import "../engine.js";
import { exitCodeOf, explain, UsageError } from "./errors.js";
import { describeOption } from "./options.js";
import { note } from "./print.js";
import { packageVersion } from "./version.js";

// A reader that has seen enough, such as `head`, ends nothing: a training has its results to write. Nor does a
// terminal that has gone: the signal that tells of it does.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || (error.code === "EIO" && stream.isTTY)) return;
    if (stream === process.stdout) {
      process.stderr.write(`error: what it prints cannot be written (${error.code})\n`);
    }
    process.exit(1);
  });
}

const startHere = `Start here: fovea train lenet --out runs/lenet
learns Fashion-MNIST and writes runs/lenet/report.html; fovea train --help has the same for own pictures.`;
const exitCodes =
  "Exit codes: 0 done, 1 failed, 2 wrong command line, 130 interrupted (143 by SIGTERM, 129 by SIGHUP).";

const program = new Command("fovea")
  .description("Trains and inspects convolutional image classifiers.")
  .version(packageVersion)
  .configureHelp({ optionDescription: describeOption })
  .addHelpText("after", `\n${startHere}\n\n${exitCodes}`);

/** In the order of the help. What a command needs is loaded where the command line names it. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  summary: async () => (await import("./summary.js")).summaryCommand(),
  train: async () => (await import("./train.js")).trainCommand(),
  eval: async () => (await import("./eval.js")).evalCommand(),
  predict: async () => (await import("./predict.js")).predictCommand(),
  inspect: async () => (await import("./inspect.js")).inspectCommand(),
  compare: async () => (await import("./compare.js")).compareCommand(),
  export: async () => (await import("./export.js")).exportCommand(),
  draw: async () => (await import("./draw.js")).drawCommand(),
  bench: async () => (await import("./bench.js")).benchCommand(),
  profile: async () => (await import("./profile.js")).profileCommand(),
  build: async () => (await import("./build.js")).buildCommand(),
};
const named = process.argv[2] ?? "";
const loaded = Object.hasOwn(commands, named) ? [commands[named]!] : Object.values(commands);
for (const load of loaded) program.addCommand((await load()).copyInheritedSettings(program));
program.addCommand(reportCommand(), { hidden: true });
for (const command of [program, ...program.commands]) {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(withHelp(text, command)),
  });
}

/** Does what the command line says; what goes wrong ends in the exit code. */
export async function runCommand(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    const { options = [] } = program.commands.find((command) => command.name() === named) ?? {};
    const batches = options.some(({ long }) => long === "--batch-size");
    // Commander has said it already.
    if (!(error instanceof CommanderError)) note(explain(error, batches));
    process.exitCode = exitCodeOf(error);
  }
}

/** Says where a report is, to those who look for it by name. */
function reportCommand(): Command {
  return new Command("report").argument("[run]").action(async (run = "RUN") => {
    const { shellLine } = await import("../look/report/command.js");
    const { runFiles } = await import("../train/run-folder.js");
    throw new UsageError(
      `there is no command "report": training writes ${join(run, runFiles.report)}, ` +
        `and ${shellLine(["fovea", "inspect", run])} writes it again`,
    );
  });
}

/** What is missing is told in the help. */
function withHelp(text: string, command: Command): string {
  if (!text.startsWith("error: missing required argument")) return text;
  return `${text.trimEnd()}; see fovea ${command.name()} --help\n`;
}
