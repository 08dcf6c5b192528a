// A disk that fails at any file operation of a checkpoint: the run can go on from the checkpoint before it.

import { mkdtemp, open, readdir, rename, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openReference } from "../backends/reference/index.js";
import "../engine.js";
import { DataLoader, type Dataset } from "../data/index.js";
import { DataError } from "../errors.js";
import type { FileOperations } from "../formats/files.js";
import { Flatten, Linear, Sequential } from "../nn/index.js";
import { SGD } from "../optim/index.js";
import { manualSeed, setBackend } from "../runtime.js";
import { fit } from "./fit.js";
import { RunFolder } from "./run-folder.js";
import { readWeights } from "./values.js";

let root: string;
beforeAll(async () => {
  setBackend(openReference());
  root = await mkdtemp(join(tmpdir(), "fovea-faults-"));
});
afterAll(() => rm(root, { recursive: true }));

const data: Dataset = {
  images: Uint8Array.from({ length: 24 }, (_, i) => (i * 77) % 256),
  labels: Uint8Array.of(0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1),
  count: 12,
  height: 1,
  width: 2,
  channels: 1,
  classNames: ["a", "b"],
  source: "made here",
};

function setUp(seed = 0) {
  manualSeed(seed);
  const net = new Sequential(new Flatten(), new Linear(2, 2));
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  const train = new DataLoader(data, { batchSize: 2, shuffle: true });
  return { net, options: { train, optimizer, epochs: 1 } };
}

type Fault = "ENOSPC" | "EIO" | "EACCES" | "short";

/** The system's operations, of which one fails; `done` are the names of all so far. */
function faulty(at: number, fault: Fault, done: string[]): FileOperations {
  const operation = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (done.push(name) !== at || fault === "short") return work();
    throw Object.assign(new Error(`${fault}: as the system says it`), { code: fault });
  };
  return {
    open: (path, flags) =>
      operation("open", async () => {
        const handle = await open(path, flags);
        return new Proxy(handle, {
          get(target, key) {
            if (key === "write") {
              return (bytes: Uint8Array, offset: number, length: number) =>
                operation("write", () => {
                  const some = done.length === at ? Math.ceil(length / 3) : length;
                  return target.write(bytes, offset, some);
                });
            }
            if (key === "sync") return () => operation("sync", () => target.sync());
            if (key === "close") {
              // What the system says of a close, it says after it.
              return async () => {
                await target.close();
                return operation("close", async () => {});
              };
            }
            return Reflect.get(target, key);
          },
        });
      }),
    rename: (from, to) => operation("rename", () => rename(from, to)),
    unlink: (path) => operation("unlink", () => unlink(path)),
  };
}

const config = { model: "tiny" };

/** A training with checkpoints after every second of its six steps, in a new folder. */
async function train(files: FileOperations) {
  const path = await mkdtemp(join(root, "run-"));
  const folder = await RunFolder.create(path, config, false, { files });
  const { net, options } = setUp();
  try {
    await fit(net, {
      ...options,
      onStep: (step) => folder.step(step),
      onEpoch: (epoch) => folder.epoch(epoch),
      checkpoint: { save: (state) => folder.checkpoint(state), everySteps: 2 },
    });
    await folder.finish({ weights: await readWeights(net) });
    return { path, weights: await readWeights(net) };
  } catch (error) {
    return { path, error };
  } finally {
    await folder.abandon();
  }
}

describe("a checkpoint on a disk that fails", () => {
  it("leaves the one before, whatever operation it is and however it fails", async () => {
    const all: string[] = [];
    const whole = await train(faulty(0, "EIO", all));
    expect(whole.error).toBe(undefined);
    // Both logs are flushed, then the checkpoint is written: header, tensors, folder.
    expect(all.slice(0, 6)).toEqual(["open", "sync", "close", "open", "sync", "close"]);
    for (const name of ["write", "rename", "unlink"]) expect(all).toContain(name);
    // The first checkpoint is after two steps, and is done with the second flush of metrics.jsonl.
    const each = all.indexOf("rename") + 4;
    expect(all.slice(each, each + 6)).toEqual(all.slice(0, 6));

    for (const fault of ["ENOSPC", "EIO", "EACCES", "short"] as const) {
      // All of the first three; of other faults the third, which is written over the first.
      for (let at = fault === "ENOSPC" ? 1 : 2 * each + 1; at <= 3 * each; at++) {
        const done: string[] = [];
        const { path, error, weights } = await train(faulty(at, fault, done));
        if (fault === "short" && !error) {
          expect(weights).toEqual(whole.weights);
          continue;
        }
        const operation = done[at - 1]!;
        // After the rename it is the folder's turn. Some systems cannot open or flush one, and say so with
        // EACCES; and nothing is lost where it cannot be closed.
        const renamed = all.slice(0, at - 1).lastIndexOf("rename");
        const ofFolder = renamed > all.slice(0, at).lastIndexOf("write") && at - 1 <= renamed + 3;
        if (ofFolder && !error && (fault === "EACCES" || operation === "close")) continue;
        expect([operation, error]).toEqual([operation, expect.any(DataError)]);
        expect((error as Error).message).toMatch(
          new RegExp(`cannot be written: .*\\(${fault}\\)$`),
        );
        expect((await readdir(path)).filter((name) => name.startsWith("."))).toEqual([]);

        const before = Math.ceil(at / each) - 1;
        const resumed = RunFolder.resume(path, config);
        if (before === 0 && at < each - 2) {
          await expect(resumed).rejects.toThrow("holds no checkpoint");
          continue;
        }
        const { folder, state } = await resumed;
        const { length } = state.progress.steps;
        // What fails after the new name has been given leaves the new one.
        expect([2 * before, 2 * before + 2]).toContain(length);
        await folder.abandon();
        if (fault !== "ENOSPC") continue;
        const { net, options } = setUp(5);
        await fit(net, { ...options, resume: state });
        expect(await readWeights(net)).toEqual(whole.weights);
      }
    }
  });
});
