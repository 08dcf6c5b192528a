// A short run of the fuzzer over every parser, the same each time; npm run fuzz goes on for as long as one
// likes. And what the fuzzer itself promises: inputs that can be made again, and a failure that is told.

import { describe, expect, it } from "vitest";
import { FoveaError } from "../../src/errors.js";
import { FuzzFailure, fuzz, inputOf } from "./fuzz.js";
import { Random } from "./mutate.js";
import { corpusOf, parsers } from "./parsers.js";

/** Files of the corpus that are there to be refused: a payload, and weights of no network. */
const refused = ["payload-4.pth", "weights.safetensors"];

/** Small files of which every truncation and every flipped bit is tried; checkpoints have tests of their own. */
const exhausted: Readonly<Record<string, readonly string[]>> = {
  safetensors: ["one"],
  pth: ["value.pkl"], // whole files: src/formats/pth.test.ts
  idx: ["images", "labels"],
  gzip: ["images", "stored"],
  image: ["grey16.png", "grey.jpg"],
  config: ["lenet.json"],
  "run-folder": ["metrics.jsonl", "weights.safetensors"],
};

describe.each(Object.keys(parsers))("%s", (parser) => {
  it("reads its corpus", async () => {
    const { open, seal = (bytes) => bytes } = parsers[parser]!;
    const target = await open();
    for (const { name, bytes } of corpusOf(parser)) {
      // a pickle by itself is only read once it is put into a file
      const whole = name.endsWith(".pkl") ? seal(bytes.slice(), name) : bytes.slice();
      const outcome = await Promise.resolve()
        .then(() => target.parse(whole, name))
        .then(
          () => "read",
          (error) => (error instanceof FoveaError ? "refused" : error),
        );
      expect(outcome, name).toBe(refused.includes(name) ? "refused" : "read");
    }
    await target.close();
  });

  it("reads or refuses 2000 damaged files", { timeout: 120_000 }, async () => {
    const report = await fuzz({ parser, seed: 0, more: (done) => done < 2000, timed: false });
    expect(report.inputs).toBe(2000);
    // damage that is always found at the same place would find nothing else
    expect(report.refused).toBeGreaterThan(1000);
    expect(report.accepted).toBeGreaterThan(10);
  });
});

describe.each(Object.entries(exhausted))("%s", (parser, names) => {
  it("reads or refuses every truncation and every flipped bit", { timeout: 120_000 }, async () => {
    const { open, seal = (bytes) => bytes } = parsers[parser]!;
    const target = await open();
    let tried = 0;
    const attempt = async (bytes: Uint8Array<ArrayBuffer>, name: string, what: string) => {
      tried++;
      try {
        await target.parse(name.endsWith(".pkl") ? seal(bytes, name) : bytes, name);
      } catch (error) {
        expect(error, `${name}: ${what}`).toBeInstanceOf(FoveaError);
      }
    };
    const files = corpusOf(parser).filter(({ name }) => names.includes(name));
    for (const { name, bytes } of files) {
      for (let length = 0; length < bytes.length; length++) {
        await attempt(bytes.slice(0, length), name, `${length} bytes`);
      }
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = bytes.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        await attempt(flipped, name, `bit ${bit}`);
      }
    }
    await target.close();
    expect(tried).toBe(files.reduce((sum, { bytes }) => sum + 9 * bytes.length, 0));
    expect(files.length).toBe(names.length);
  });
});

describe("the fuzzer", () => {
  it("makes the same input of the same numbers, and others of others", () => {
    expect(inputOf("pth", 3, 14)).toEqual(inputOf("pth", 3, 14));
    const inputs = [inputOf("pth", 3, 14), inputOf("pth", 3, 15), inputOf("pth", 4, 14)];
    expect(new Set(inputs.map(({ bytes }) => Buffer.from(bytes).toString("hex"))).size).toBe(3);
  });

  it("draws all numbers below a limit", () => {
    const random = new Random(1, 2);
    const drawn = new Set(Array.from({ length: 200 }, () => random.below(9)));
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("tells which input did what it must not", async () => {
    const seen: Uint8Array[] = [];
    const broken = {
      ...parsers.idx!,
      open: async () => ({
        parse(bytes: Uint8Array) {
          seen.push(bytes.slice());
          if (seen.length === 5) throw new TypeError("nobody expected this");
        },
        close: async () => {},
      }),
    };
    const failure = await fuzz({ parser: "idx", seed: 0, more: () => true }, broken).catch(
      (e) => e,
    );
    expect(failure).toBeInstanceOf(FuzzFailure);
    expect(failure.index).toBe(4);
    expect(failure.input).toEqual(seen[4]);
    expect(failure.message).toMatch(/^idx: input 4: TypeError: nobody expected this\n/);
    expect(inputOf("idx", 0, 4).bytes).toEqual(seen[4]);
  });
});
