import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { shortNames } from "../../src/cli/compare.js";
import { expectSvg } from "../support/markup.js";
import { lenetConfig } from "../support/runs.js";
import { fovea, temporaryFolder } from "./run.js";

const at = temporaryFolder();

const epoch = (n: number, values: object = {}) => ({
  epoch: n,
  trainLoss: 2 / n,
  trainAcc: (30 + n) / 100,
  valLoss: null,
  valAcc: null,
  testLoss: 1.5 / n,
  testAcc: (40 + n) / 100,
  lr: 0.9,
  examplesPerSecond: 1000 * n,
  seconds: 20 * n,
  waited: 0,
  ...values,
});
const step = (n: number) => ({ step: n, epoch: n, loss: 2 / n, lr: 0.9 });

async function write(name: string, config: object, records: readonly object[]): Promise<void> {
  await mkdir(at(name), { recursive: true });
  await writeFile(join(at(name), "config.json"), JSON.stringify({ ...lenetConfig(), ...config }));
  const lines = records.map((record) => `${JSON.stringify(record)}\n`);
  await writeFile(join(at(name), "metrics.jsonl"), lines.join(""));
}

beforeAll(async () => {
  const long = [1, 2, 3].flatMap((n) => [step(n), epoch(n)]);
  await write("long", { optimizer: "sgd", lr: 0.9 }, long);
  const val = [
    epoch(1, { valAcc: 0.5, valLoss: 1, testAcc: 0.45 }),
    epoch(2, { valAcc: 0.4, valLoss: 2, testAcc: 0.7, seconds: 4000 }),
  ];
  await write("best", { optimizer: "adam", lr: 0.001, model: "my own" }, [step(1), ...val]);
  await write("begun", {}, [step(1)]);
});

const compare = (...args: readonly string[]) =>
  fovea(["compare", ...args, "--out", at("compare.svg")]);

describe("fovea compare", () => {
  it("gives for programs what the runs logged", async () => {
    const { code, out, err } = await compare(at("long"), at("best"), "--json");
    expect({ code, err }).toEqual({ code: 0, err: `wrote ${at("compare.svg")}\n` });
    const [long, best] = JSON.parse(out);
    const { lr: _, waited: __, epoch: ___, ...third } = epoch(3);
    expect(long).toEqual({
      run: at("long"),
      model: "lenet",
      data: "fashion-mnist",
      optimizer: "sgd",
      lr: 0.9,
      batchSize: 64,
      seed: 0,
      epochs: 3,
      keptEpoch: 3,
      awaitedEpochs: null,
      ...third,
      bestTestAcc: 0.43,
      seconds: 120,
      // as many examples at 1000, 2000 and 3000 a second
      examplesPerSecond: 3 / (1 / 1000 + 1 / 2000 + 1 / 3000),
      parameters: 61706,
    });
    // the epoch that did best on the validation images, which is not the last
    expect(best).toMatchObject({
      ...{ epochs: 2, keptEpoch: 1, valAcc: 0.5, testAcc: 0.45, bestTestAcc: 0.7 },
      ...{ parameters: null, seconds: 4020 },
    });
  });

  it("prints a row a run, and draws each of them", async () => {
    const { code, out } = await compare(at("long"), at("best"));
    expect(code).toBe(0);
    const [head, , ...rows] = out
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    const cells = rows.map((row) => Object.fromEntries(head!.map((name, i) => [name, row[i]])));
    expect(cells).toEqual([
      {
        ...{ run: "long", network: "lenet", data: "Fashion-MNIST", optimizer: "sgd", lr: "0.9" },
        ...{ epoch: "3", loss: "0.667", "train acc": "0.330", "val acc": "–", "test acc": "0.430" },
        ...{ "best test": "0.430", time: "2 min 0 s", "ex/s": "1,636", parameters: "61,706" },
      },
      {
        ...{
          run: "best",
          network: "my own",
          data: "Fashion-MNIST",
          optimizer: "adam",
          lr: "0.001",
        },
        ...{ epoch: "1/2", loss: "2.000", "train acc": "0.310", "val acc": "0.500" },
        ...{ "test acc": "0.450", "best test": "0.700", time: "1 h 7 min", "ex/s": "1,333" },
        ...{ parameters: "–" },
      },
    ]);
    const svg = await readFile(at("compare.svg"), "utf8");
    await expectSvg(svg);
    for (const name of ["long", "best"]) expect(svg).toContain(`>${name}</text>`);
  });

  it("takes runs that are under way or were killed, and says so", async () => {
    await cp(at("long"), at("killed"), { recursive: true });
    const file = join(at("killed"), "metrics.jsonl");
    await writeFile(file, (await readFile(file, "utf8")).slice(0, -20));
    const { code, out, err } = await compare(at("begun"), at("killed"), "--json");
    expect(code).toBe(0);
    expect(err).toBe(
      `${at("begun")}: no epoch has ended yet\n` +
        `${at("killed")}: the last line of metrics.jsonl is cut off; it is left out\n` +
        `wrote ${at("compare.svg")}\n`,
    );
    expect(JSON.parse(out)).toMatchObject([
      { epochs: 0, keptEpoch: null, testAcc: null, bestTestAcc: null, seconds: 0 },
      { epochs: 2, testAcc: 0.42 },
    ]);
  });

  it("says of a run that has not come to its end how far it is", async () => {
    const records = [step(1), epoch(1), step(2), epoch(2), step(3)];
    await write("half", { epochs: 25 }, records);
    await write("spent", { epochs: 25, maxSteps: 2 }, records.slice(0, 4));
    const same = { valAcc: 0.5, valLoss: 1 };
    const stopped = [epoch(1, same), epoch(2, same)];
    await write("stopped", { epochs: 25, earlyStop: 1 }, stopped);
    await write("whole", { epochs: 2 }, records.slice(0, 4));
    const names = ["half", "spent", "stopped", "whole"];
    const { out } = await compare(...names.map(at));
    const [head, , ...rows] = out.trimEnd().split("\n");
    const column = head!.split(/ {2,}/).indexOf("not finished");
    expect(rows.map((row) => row.split(/ {2,}/)[column])).toEqual([
      "2 of 25 epochs",
      "–",
      "–",
      "–",
    ]);
    const json = JSON.parse((await compare(...names.map(at), "--json")).out);
    const awaited = json.map((run: { awaitedEpochs: number | null }) => run.awaitedEpochs);
    expect(awaited).toEqual([25, null, null, null]);
  });

  it("says what is wrong", async () => {
    const refused = async (folder: string, problem: string) =>
      expect(await compare(at("long"), folder)).toEqual({
        ...{ code: 1, out: "", err: `error: ${problem}\n` },
      });
    await refused(
      at("nowhere"),
      `${at("nowhere")}: there is no such folder; expected the --out of a training`,
    );
    await write("wrong", {}, [{ epoch: 1 }]);
    const problem = "line 1 is no record of a step or an epoch";
    await refused(at("wrong"), `${join(at("wrong"), "metrics.jsonl")}: ${problem}`);
    const { err: named } = await fovea(["compare", at("long"), "--out", at("all.png")]);
    expect(named).toBe(
      `error: option '--out <file>' argument '${at("all.png")}' is invalid. Expected a name that ends in .svg.\n`,
    );
    const { code, err } = await fovea(["compare"]);
    expect([code, err]).toEqual([
      2,
      "error: missing required argument 'run'; see fovea compare --help\n",
    ]);
  });
});

describe("names in the figure", () => {
  it("are those of the folders, with as much of the path as tells them apart", () => {
    expect(shortNames(["runs/a", "runs/b/"])).toEqual(["a", "b"]);
    expect(shortNames(["x/a", "y/a", "b"])).toEqual(["x/a", "y/a", "b"]);
    expect(shortNames(["x/1/a", "y/1/a"])).toEqual(["x/1/a", "y/1/a"]);
    expect(shortNames(["a", "a"])).toEqual(["a", "a"]);
  });
});
