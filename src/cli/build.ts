// fovea build: compiles the native backend for this machine. Needed once after `npm install`, because
// packages run nothing at their installation.

import { Command } from "commander";
import { buildNative } from "../backends/native/build.js";

export function buildCommand(): Command {
  return new Command("build")
    .description("compile the native backend with this machine's C++ compiler")
    .action(async () => {
      const say = (line: string) => process.stdout.write(`${line}\n`);
      say(`ready: ${await buildNative({ log: say })}`);
    });
}
