// What `fovea` says to people who are new to it, or have mistyped.

import { describe, expect, it } from "vitest";
import { fovea } from "./run.js";

describe("fovea --help", () => {
  it("begins with a command that works, and lists no command that does not", async () => {
    const { code, out, err } = await fovea(["--help"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("\nStart here: fovea train lenet --out runs/lenet\n");
    expect(out).toMatch(
      /\nExit codes: 0 done, 1 failed, 2 wrong command line, 130 interrupted \(143 by SIGTERM, 129 by SIGHUP\)\.\n$/,
    );
    expect(out).not.toContain("report [");
  });

  it("says which network to start with, and what the others cost", async () => {
    const { out } = await fovea(["train", "--help"]);
    const costs = [...out.matchAll(/^ {2}(\S+): (\S+) million parameters, (\S+) million mult/gm)];
    expect(costs.map(([, name]) => name)).toEqual(["vgg11-small", "googlenet", "vgg11"]);
    const { out: json } = await fovea(["summary", "vgg11-small", "--input", "1x3x64x64", "--json"]);
    const { parameters, layers } = JSON.parse(json);
    const macs = layers.reduce((sum: number, layer: { macs: number }) => sum + layer.macs, 0);
    expect(Number(costs[0]![2])).toBeCloseTo(parameters / 1e6, 3);
    expect(Number(costs[0]![3])).toBeCloseTo(macs / 1e6, 1);
  });
});

describe("fovea", () => {
  it.each([
    [["train"], "missing required argument 'model'; see fovea train --help"],
    [["predict", "runs/a"], "missing required argument 'image'; see fovea predict --help"],
    [["trian"], "unknown command 'trian'\n(Did you mean train?)"],
    [
      ["report", "my runs/a"],
      "there is no command \"report\": training writes my runs/a/report.html, and fovea inspect 'my runs/a' writes it again",
    ],
  ])("knows no %j", async (args, message) => {
    expect(await fovea(args)).toEqual({ code: 2, out: "", err: `error: ${message}\n` });
  });
});
