import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EpochRecord, StepRecord } from "./history.js";
import { epochLine, restoreLog, stepLine } from "./log.js";

let file: string;
beforeAll(async () => {
  file = join(await mkdtemp(join(tmpdir(), "fovea-log-")), "metrics.jsonl");
});
afterAll(() => rm(join(file, ".."), { recursive: true }));

const steps: StepRecord[] = [1, 1, 2, 2, 3].map((epoch, i) => ({
  ...{ step: i + 1, epoch, loss: Math.fround(1 / (i + 3)), lr: 0.1 },
  ...(i === 2 && { loss: Number.NaN, skipped: true as const }),
}));
const epochs = [1, 2].map(
  (epoch) =>
    ({
      ...{
        epoch,
        trainLoss: 1 / 3,
        trainAcc: 0.5,
        valLoss: null,
        valAcc: null,
        testLoss: 2,
        testAcc: 0.1,
      },
      ...{ lr: 0.1, examplesPerSecond: 1234.5678901, seconds: 0.1, waited: 0 },
    }) satisfies EpochRecord,
);
/** As a run writes it. */
const [a, b, c, d, e] = steps.map(stepLine);
const log = [a, b, epochLine(epochs[0]!), c, d, epochLine(epochs[1]!), e].join("");
const restored = () => restoreLog(file, steps, epochs, log.length);

describe("restoreLog", () => {
  it("leaves a log that is as it was, whatever follows", async () => {
    await writeFile(file, `${log}{"step":6`);
    expect(await restored()).toBe(undefined);
    expect(await readFile(file, "utf8")).toBe(`${log}{"step":6`);
  });

  it.each([
    ["edited", log.replace("0.5", "0.6")],
    ["cut short", log.slice(0, -1)],
    ["prepended to", `\n${log}`],
    ["emptied", ""],
  ])("writes one anew that was %s", async (_, content) => {
    await writeFile(file, content);
    expect(await restored()).toBe("is not as it was");
    expect(await readFile(file, "utf8")).toBe(log);
  });

  it("writes one anew that is missing, also before the end of an epoch", async () => {
    await rm(file);
    expect(await restored()).toBe("is missing");
    expect(await readFile(file, "utf8")).toBe(log);
    await rm(file);
    expect(await restoreLog(file, steps.slice(0, 1), [], a!.length)).toBe("is missing");
    expect(await readFile(file, "utf8")).toBe(a);
  });

  it("touches none that was of another length", async () => {
    await writeFile(file, "old");
    expect(await restoreLog(file, steps, epochs, log.length + 1)).toBe(undefined);
    expect(await readFile(file, "utf8")).toBe("old");
  });

  it("takes no more memory than the log has bytes, whatever a checkpoint says of its steps", async () => {
    await writeFile(file, "old");
    const many = Array<StepRecord>(12_000_000).fill(steps[0]!); // longer as text than a string can be
    expect(await restoreLog(file, many, [], 1000)).toBe(undefined);
    expect(await readFile(file, "utf8")).toBe("old");
  });
});
