// fovea train --resume: what a shell sees of trainings that end before their time, and go on.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bytesOf, lenet, logOf, watched } from "./resuming.js";
import { fovea, main, type Outcome, root, run, temporaryFolder } from "./run.js";

const at = temporaryFolder();
// so many commands, on a machine that may be busy
describe("fovea train --resume", { timeout: 300_000 }, () => {
  it("goes on after SIGINT and SIGTERM, and for longer, to the bytes of one that was never ended", async () => {
    const options = ["--momentum", "0.9", "--lr", "0.01", "--augment", "light"];
    const whole = await fovea([...lenet, ...options, "--epochs", "14", "--out", at("whole")]);
    expect(whole.code).toBe(0);

    const folder = at("ended");
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const args =
        signal === "SIGINT"
          ? [...lenet, ...options, "--epochs", "13", "--out", folder]
          : ["train", "--resume", folder];
      let ended = false;
      const { code, err } = await watched(args, (text, kill) => {
        if (!text.includes("epoch ") || !text.includes(", loss") || ended) return;
        ended = true;
        kill(signal);
      });
      expect([signal, code]).toEqual([signal, signal === "SIGINT" ? 130 : 143]);
      const steps = (await logOf(folder)).filter((line) => "step" in line).length;
      expect(err).toContain(
        `\ninterrupted; fovea train --resume ${folder} goes on after step ${steps}\n`,
      );
    }
    const longer = await fovea(["train", "--resume", folder, "--epochs", "14", "--threads", "2"]);
    expect(longer.err).toMatch(/\ngoing on after step \d+, in epoch \d+ of 14\n/);
    expect(longer.code).toBe(0);
    expect(await logOf(folder)).toEqual(await logOf(at("whole")));
    expect((await bytesOf(folder)).equals(await bytesOf(at("whole")))).toBe(true);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
    // TensorBoard's file has no step twice either, and the same records
    const events = async (run: string) => {
      const name = (await readdir(run)).find((name) => name.startsWith("events."))!;
      return (await bytesOf(run, name)).length;
    };
    expect(await events(folder)).toBe(await events(at("whole")));

    expect(await fovea(["train", "--resume", folder, "--max-steps", "99"])).toEqual({
      code: 2,
      out: "",
      err: `error: --max-steps 99: the run in ${folder} is not limited\n`,
    });
    const again = await fovea(["train", "--resume", folder]);
    expect(again.code).toBe(0);
    expect(again.err).toContain("\nall 14 epochs of this run are done; give --epochs for more\n");
    expect((await bytesOf(folder)).equals(await bytesOf(at("whole")))).toBe(true);
  });

  it("refuses what contradicts the run, and what is no run", async () => {
    const folder = at("settled");
    const options = [...lenet, "--val-fraction", "0.1", "--lr", "0.01", "--epochs", "2"];
    const limit = ["--max-steps", "9"];
    const run = await fovea([...options, ...limit, "--schedule", "cosine", "--out", folder]);
    expect(run.code).toBe(0);
    const before = await readFile(join(folder, "config.json"));
    const refused = async (args: readonly string[], code: number, message: string) => {
      const { err, ...rest } = await fovea(["train", ...args]);
      expect({ ...rest, err }).toEqual({ code, out: "", err: `error: ${message}\n` });
    };
    const resume = ["--resume", folder];
    const other = "leave it out, or begin another run with --out";
    await refused(
      [...resume, "--lr", "0.1"],
      2,
      `--lr 0.1: the run in ${folder} has --lr 0.01; ${other}`,
    );
    await refused(["alexnet", ...resume], 2, `alexnet: the run in ${folder} has lenet; ${other}`);
    await refused(
      [...resume, "--seed", "3"],
      2,
      `--seed 3: the run in ${folder} has --seed 0; ${other}`,
    );
    await refused(
      [...resume, "--dropout", "0.5"],
      2,
      `--dropout 0.5: the run in ${folder} has no --dropout; ${other}`,
    );
    await refused(
      [...resume, "--force"],
      2,
      `--force: the run in ${folder} has no --force; ${other}`,
    );
    await refused(
      [...resume, "--out", at("elsewhere")],
      2,
      `--out ${at("elsewhere")}: a run goes on in its own folder, ${folder}`,
    );
    await refused(
      [...resume, "--epochs", "1"],
      2,
      `--epochs 1: the run in ${folder} is for 2, or more`,
    );
    await refused(
      [...resume, "--max-steps", "8"],
      2,
      `--max-steps 8: the run in ${folder} is for 9, or more`,
    );
    await refused(
      [...resume, "--epochs", "3"],
      2,
      `--epochs 3: the run in ${folder} has a cosine schedule, which leads the learning rate down to 0 ` +
        `in epoch 2; start another run from its weights with --init ${folder}`,
    );
    const none = "holds no checkpoint of a training to go on with";
    await refused(["--resume", root], 1, `${root}: ${none}`);
    await refused(["--resume", at("nothing")], 1, `${at("nothing")}: ${none}`);
    // What it has is no contradiction.
    const same = await fovea([...lenet, "--resume", folder, "--lr", "0.01"]);
    expect(same.code).toBe(0);
    expect(await readFile(join(folder, "config.json"), "utf8")).toBe(before.toString("utf8"));
  });

  it("goes on from the checkpoint before a damaged one, and says so", async () => {
    const folder = at("damaged");
    const options = [...lenet, "--epochs", "3", "--checkpoint-every", "2"];
    expect((await fovea([...options, "--out", at("sound")])).code).toBe(0);
    let ended = false;
    await watched([...options, "--epochs", "3", "--out", folder], (text, kill) => {
      if (!text.includes("epoch 1, loss") || ended) return;
      ended = true;
      kill("SIGKILL");
    });
    const [first, second] = ["checkpoint-1.safetensors", "checkpoint-2.safetensors"];
    for (const name of [first, second]) {
      const copy = at(`damaged-${name[11]}`);
      await cp(folder, copy, { recursive: true });
      const bytes = await bytesOf(copy, name);
      bytes[bytes.length - 1]! ^= 0x10;
      await writeFile(join(copy, name!), bytes);
      const { code, err } = await fovea(["train", "--resume", copy]);
      expect(code).toBe(0);
      const other = name === first ? second : first;
      if (err.includes("damaged:")) {
        expect(err).toContain(
          `${join(copy, name)}: is damaged: its checksum is not that of its content; going on from ${join(copy, other)}\n`,
        );
      }
      expect(await logOf(copy)).toEqual(await logOf(at("sound")));
      expect((await bytesOf(copy)).equals(await bytesOf(at("sound")))).toBe(true);
    }
  });

  it("lets only one process write to a run", async () => {
    const folder = at("shared");
    let second: Promise<Outcome[]> | undefined;
    const first = await watched([...lenet, "--epochs", "1000", "--out", folder], (text, kill) => {
      if (!text.includes("epoch 1, loss") || second) return;
      second = Promise.all([
        fovea([...lenet, "--out", folder, "--force"]),
        fovea(["train", "--resume", folder]),
      ]).finally(() => kill("SIGINT"));
    });
    expect(first.code).toBe(130);
    for (const { code, err } of await second!) {
      expect(code).toBe(1);
      expect(err).toMatch(
        /^error: \S+: is being written by another training \(process \d+, since \S+\); wait for it, or choose another folder\n$/,
      );
    }
  });

  it("ends at once at the second signal", async () => {
    const folder = at("twice");
    // Its first checkpoint does not end: it waits for a disk that does not answer.
    const stuck = new URL("../support/stuck-checkpoints.mjs", import.meta.url).href;
    const child = spawn(
      process.execPath,
      ["--import", stuck, main, ...lenet, "--epochs", "1000", "--out", folder],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
      if (!text.includes("stuck")) return;
      child.kill("SIGINT");
      setTimeout(() => child.kill("SIGINT"), 200);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(130);
    expect(err).toMatch(/\ninterrupted; [^\n]*\n$/);
  });

  it("leaves no folder where none can be made", async () => {
    const { code, err } = await fovea([...lenet, "--out", "/proc/fovea/run"]);
    expect(code).toBe(1);
    expect(err.split("\n").at(-2)).toMatch(/^error: \/proc\/fovea\/run: cannot be written: /);
  });

  it.each([
    ["ENOSPC write", "the disk is full (ENOSPC)"],
    ["EACCES open", "permission denied (EACCES)"],
    ["EIO rename", "the disk reported an input/output error (EIO)"],
  ])(
    "ends where a checkpoint cannot be written (%s), and goes on from the one before",
    async (fault, reason) => {
      const options = [...lenet, "--epochs", "2", "--checkpoint-every", "3"];
      if (!existsSync(at("unhurt"))) await fovea([...options, "--out", at("unhurt")]);
      const folder = at(fault.replace(" ", "-"));
      const failing = new URL("../support/failing-checkpoints.mjs", import.meta.url).href;
      const args = ["FOVEA_FAULT=".concat(fault), process.execPath, "--import", failing, main];
      const { code, err } = await run("env", [...args, ...options, "--out", folder]);
      expect(code).toBe(1);
      expect(err.split("\n").at(-2)).toBe(
        `error: ${join(folder, "checkpoint-2.safetensors")}: cannot be written: ${reason}; ` +
          `fovea train --resume ${folder} goes on after step 3`,
      );
      const resumed = await fovea(["train", "--resume", folder]);
      expect(resumed.err).toContain("\ngoing on after step 3, in epoch 1 of 2\n");
      expect(await logOf(folder)).toEqual(await logOf(at("unhurt")));
      expect((await bytesOf(folder)).equals(await bytesOf(at("unhurt")))).toBe(true);
    },
  );

  it("cleans up after a process that was killed while it wrote", async () => {
    const folder = at("left");
    const options = [...lenet, "--epochs", "1", "--out", folder];
    await mkdir(folder);
    const left = join(folder, ".weights.safetensors.0123456789ab.tmp");
    await writeFile(left, "half");
    expect((await fovea(options)).code).toBe(0);
    await writeFile(left, "half");
    expect((await fovea(["train", "--resume", folder])).code).toBe(0);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});

describe("fovea train --checkpoint-every", () => {
  it.each([
    ["0", "Expected steps, such as 500, or minutes, such as 10m."],
    ["1.5", "Expected steps, such as 500, or minutes, such as 10m."],
    ["10s", "Expected steps, such as 500, or minutes, such as 10m."],
  ])("takes steps or minutes, not %s", async (value, problem) => {
    const { code, err } = await fovea([...lenet, "--checkpoint-every", value]);
    expect([code, err]).toEqual([
      2,
      `error: option '--checkpoint-every <n>' argument '${value}' is invalid. ${problem}\n`,
    ]);
  });

  it("needs a folder", async () => {
    expect(await fovea([...lenet, "--checkpoint-every", "10m"])).toEqual({
      code: 2,
      out: "",
      err: "error: --checkpoint-every needs a folder to keep checkpoints in: give --out\n",
    });
  });
});
