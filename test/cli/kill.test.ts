// Trainings that are killed with SIGKILL, at random moments and in the middle of checkpoints, again and
// again, and go on each time: what they come to is what an uninterrupted one comes to, byte for byte.
// FOVEA_KILLS says how many kills there are to be: `npm run test:kill` asks for the 200 that
// docs/reliability.md tells of.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { checkpointFiles } from "../../src/train/checkpoints.js";
import { main, root, temporaryFolder } from "./run.js";

const at = temporaryFolder();
const slow = fileURLToPath(new URL("../support/slow-checkpoints.mjs", import.meta.url));

/** Two kinds: at any moment, and within a checkpoint, which is every fourth. */
const kills = Number(process.env.FOVEA_KILLS ?? 4);
const inside = Math.ceil(kills / 4);

const subset = join(root, "data", "fashion-mnist-subset");
const training = [
  ...["train", "lenet", "--data-dir", subset, "--threads", "1", "--workers", "1"],
  ...["--limit-train", "240", "--limit-test", "50", "--val-fraction", "0.2", "--batch-size", "32"],
  ...["--optimizer", "adam", "--lr", "0.002", "--init", "default", "--augment", "light"],
  ...["--epochs", "3", "--checkpoint-every", "3"],
];

interface Ended {
  readonly code: number | null;
  readonly err: string;
  /** Milliseconds, and operations of checkpoints. */
  readonly took: number;
  readonly operations: number;
}

/** When a process is to be killed. */
type Moment = { readonly after: number } | { readonly operation: number; readonly after: number };

function start(args: readonly string[], kill?: Moment): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(process.execPath, ["--import", slow, main, ...args], {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
    });
    let [operations, err] = [0, ""];
    let timer: NodeJS.Timeout | undefined;
    const killAfter = (milliseconds: number) => {
      timer ??= setTimeout(() => child.kill("SIGKILL"), milliseconds);
    };
    if (kill && !("operation" in kill)) killAfter(kill.after);
    child.stderr!.setEncoding("utf8").on("data", (text) => {
      err += text;
    });
    child.stdio[3]!.on("data", (bytes: Buffer) => {
      operations += bytes.length;
      if (kill && "operation" in kill && operations >= kill.operation) killAfter(kill.after);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, err, took: performance.now() - began, operations });
    });
  });
}

/** The log without what is a matter of time. */
async function logOf(folder: string): Promise<unknown[]> {
  const lines = (await readFile(join(folder, "metrics.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.map((line) => {
    const { seconds, waited, examplesPerSecond, ...rest } = JSON.parse(line);
    return rest;
  });
}

const resultsOf = async (folder: string) => ({
  weights: (await readFile(join(folder, "weights.safetensors"))).toString("base64"),
  last: (await readFile(join(folder, "last.safetensors"))).toString("base64"),
  log: await logOf(folder),
});

/** What is left of writes that were cut short, and of the lock. */
const leftovers = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.startsWith("."));

/** A linear congruential generator (Numerical Recipes), so that a failure can be had again. */
let seed = Number(process.env.FOVEA_KILL_SEED ?? 1);
const random = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

describe("a training that is killed", () => {
  let whole: Awaited<ReturnType<typeof resultsOf>>;
  let usual: Ended;
  beforeAll(async () => {
    usual = await start([...training, "--out", at("whole")]);
    expect(usual).toMatchObject({ code: 0 });
    whole = await resultsOf(at("whole"));
  });

  it("went through all that can be interrupted", () => {
    // 7 batches an epoch; checkpoints after steps 3, 6, … and, measured, after each epoch
    expect(whole.log.length).toBe(3 * (7 + 1));
    expect(usual.operations).toBeGreaterThanOrEqual(5 * (7 + 3));
  });

  it(
    `comes to the same bytes after ${kills} kills, ${inside} of them within checkpoints`,
    async () => {
      let [done, doneInside] = [0, 0];
      for (let run = 0; done < kills; run++) {
        const folder = at(`run-${run}`);
        /** A few times in a row, then to its end. */
        const times = Math.min(1 + Math.floor(3 * random()), kills - done);
        for (let kill = 0; kill <= times; kill++) {
          const resumes = checkpointFiles.some((name) => existsSync(join(folder, name)));
          const command = resumes
            ? ["train", "--resume", folder]
            : [...training, "--out", folder, "--force"];
          const within =
            doneInside < inside && (done % 4 === 0 || kills - done <= inside - doneInside);
          const moment: Moment = within
            ? { operation: 1 + Math.floor(random() * 15), after: 6 * random() }
            : { after: random() * usual.took };
          const { code, err } = await start(command, kill < times ? moment : undefined);
          if (code === null) {
            done++;
            if (within) doneInside++;
          } else if (code !== 0) throw new Error(`${command.join(" ")}: ${err}`);
        }
        expect(await leftovers(folder)).toEqual([]);
        expect(await resultsOf(folder)).toEqual(whole);
        await rm(folder, { recursive: true });
      }
      expect(doneInside).toBeGreaterThanOrEqual(Math.min(inside, 1));
    },
    20_000 * (kills + 5),
  );
});
