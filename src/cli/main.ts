#!/usr/bin/env node
// The command `fovea`, and the first that runs of it: it answers Ctrl-C while the rest is being loaded.
//
// Exit codes: 0 done; 1 it could not be done (the reason is one sentence on stderr); 2 the command line
// itself is wrong; 130 interrupted, 143 ended by SIGTERM, 129 by SIGHUP: its terminal has gone.

const interrupted = () => {
  process.stderr.write("interrupted\n");
  process.exit(130);
};
process.once("SIGINT", interrupted);
const { runCommand } = await import("./program.js");
const done = runCommand(); // a command may have its own answer by now
process.off("SIGINT", interrupted);
await done;

export {};
