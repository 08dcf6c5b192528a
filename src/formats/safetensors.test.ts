import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArgumentError, DataError } from "../errors.js";
import {
  decode,
  encodeSafetensors,
  parseSafetensors,
  type SafetensorsSource,
} from "./safetensors.js";
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from "./safetensors-file.js";

const golden = new URL("../../test/golden/", import.meta.url);
const { writable, readable, everyHalfWidenedSha256 } = JSON.parse(
  await readFile(new URL("safetensors.golden.json", golden), "utf8"),
) as { writable: string; readable: string; everyHalfWidenedSha256: string };

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-safetensors-"));
});
afterAll(() => rm(folder, { recursive: true }));

const concat = (chunks: Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));
const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

/** A file from the text of its header and its data. */
function file(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return concat([length, text, data]);
}

const f32 = new Float32Array([0.1, -2.5, 3e38, 1e-45, -0, Number.POSITIVE_INFINITY]);
const writableEntries: [string, SafetensorsSource][] = [
  ["标签", { shape: [1], data: new Uint8Array([9]) }],
  ["scalar", { shape: [], data: new Float32Array([7.25]) }],
  ["pixels", { shape: [1, 3], data: new Uint8Array([0, 128, 255]) }],
  ["labels", { shape: [2], data: new Int32Array([-1, 2147483647]) }],
  ["empty", { shape: [0, 4], data: new Float32Array(0) }],
  ["0.weight", { shape: [2, 3], data: f32 }],
  ["0.bias", { shape: [3], data: new Float32Array([1, 2, 3]) }],
];
const metadata = { note: 'quoted "text"\n', format: "pt" };

describe("against an independent implementation", () => {
  it("writes the same bytes, whatever the order of the entries", () => {
    const bytes = concat(encodeSafetensors(writableEntries, metadata));
    expect(Buffer.from(bytes).toString("hex")).toBe(writable);
    const turned = concat(encodeSafetensors([...writableEntries].reverse(), metadata));
    expect(turned).toEqual(bytes);
  });

  it("reads i64 exactly and widens half precision", () => {
    const { tensors } = parseSafetensors(fromHex(readable));
    expect(tensors.get("steps")).toEqual({
      dtype: "i64",
      shape: [2],
      data: new BigInt64Array([-(2n ** 62n), 5n]),
    });
    expect(tensors.get("half")!.data).toEqual(new Float32Array([1.5, -0, 2 ** -24, 65504]));
    expect(tensors.get("brain")).toEqual({
      dtype: "f32",
      shape: [2],
      data: new Float32Array([1.5, -2]),
    });
  });

  it("widens every f16 as numpy does", () => {
    const every = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const layout = { name: "h", dtype: "F16", shape: [65536], begin: 0, end: 131072 } as const;
    const { data } = decode(layout, every.buffer);
    const hash = createHash("sha256").update(new Uint8Array(data.buffer)).digest("hex");
    expect(hash).toBe(everyHalfWidenedSha256);
  });

  it("writes files that Python's struct and json read back", async ({ skip }) => {
    const path = join(folder, "python.safetensors");
    await writeSafetensors(path, writableEntries, metadata);
    const script = fileURLToPath(new URL("safetensors.py", golden));
    let text = "";
    try {
      text = execFileSync("python3", [script, "--read", path], { encoding: "utf8" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") skip("python3 is not installed");
      throw error;
    }
    const read = JSON.parse(text);
    expect(read.headerBytes % 8).toBe(0);
    expect(read.metadata).toEqual(metadata);
    expect(read.names).toEqual([
      "0.bias",
      "0.weight",
      "empty",
      "scalar",
      "labels",
      "pixels",
      "标签",
    ]);
    expect(read.tensors.pixels).toEqual(["U8", [1, 3], "0080ff"]);
    expect(read.tensors["0.weight"][2]).toBe(Buffer.from(f32.buffer).toString("hex"));
  });
});

const element = fc.constantFrom("f32", "i32", "u8");
const source: fc.Arbitrary<SafetensorsSource> = fc
  .tuple(element, fc.array(fc.nat(4), { maxLength: 4 }), fc.infiniteStream(fc.nat(255)))
  .map(([dtype, shape, values]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const list = [...values.take(length)];
    const data =
      dtype === "f32"
        ? new Float32Array(list)
        : dtype === "i32"
          ? new Int32Array(list)
          : new Uint8Array(list);
    return { shape, data };
  });
const name = fc.string({ unit: "grapheme" }).filter((text) => text !== "__metadata__");

describe("round trips", () => {
  it("gives back names, shapes, values and metadata", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, source), { selector: ([key]) => key }),
        fc.dictionary(fc.string(), fc.string()),
        (entries, labels) => {
          const { tensors, metadata: read } = parseSafetensors(
            concat(encodeSafetensors(entries, labels)),
          );
          expect(tensors.size).toBe(entries.length);
          for (const [key, { shape, data }] of entries) {
            expect(tensors.get(key)!.shape).toEqual(shape);
            expect(tensors.get(key)!.data).toEqual(data);
          }
          expect(Object.fromEntries(read)).toEqual({ ...labels });
        },
      ),
    );
  });

  it("goes through a file, and leaves nothing else in the folder", async () => {
    const inside = await mkdtemp(join(folder, "only-"));
    const path = join(inside, "weights.safetensors");
    await writeSafetensors(path, [["old", { shape: [1], data: new Float32Array([1]) }]]);
    await writeSafetensors(path, writableEntries, metadata);
    expect(await readdir(inside)).toEqual(["weights.safetensors"]);
    expect((await readFile(path)).toString("hex")).toBe(writable);
    const tensors = await readSafetensors(path);
    expect([...tensors.keys()][0]).toBe("0.bias");
    expect(tensors.get("0.weight")).toEqual({ dtype: "f32", shape: [2, 3], data: f32 });
    const header = await readSafetensorsHeader(path);
    expect(header.metadata.get("format")).toBe("pt");
    expect(header.tensors[0]).toEqual({
      name: "0.bias",
      dtype: "F32",
      shape: [3],
      begin: 0,
      end: 12,
    });
  });

  it("gives every tensor memory of its own", () => {
    const bytes = fromHex(writable);
    const { tensors } = parseSafetensors(bytes);
    bytes.fill(0);
    expect(tensors.get("0.bias")!.data).toEqual(new Float32Array([1, 2, 3]));
  });
});

describe("damage", () => {
  const small = concat(
    encodeSafetensors([["w", { shape: [2], data: new Float32Array([1, 2]) }]], { a: "b" }),
  );
  const outcome = (bytes: Uint8Array) => {
    try {
      parseSafetensors(bytes, "w.safetensors");
      return "read";
    } catch (error) {
      expect(error).toBeInstanceOf(DataError);
      expect((error as DataError).message).toMatch(/^w\.safetensors: /);
      return "refused";
    }
  };

  it("refuses every truncation and every extension", () => {
    for (let length = 0; length < small.length; length++) {
      expect(outcome(small.slice(0, length)), `${length} bytes`).toBe("refused");
    }
    expect(outcome(concat([small, new Uint8Array(1)]))).toBe("refused");
    expect(outcome(small)).toBe("read");
  });

  it("takes or refuses every single-bit flip with a DataError", () => {
    for (let bit = 0; bit < small.length * 8; bit++) {
      const flipped = small.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      outcome(flipped);
    }
  });

  it("takes or refuses anything", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void outcome(bytes)));
    fc.assert(fc.property(fc.json(), (json) => void outcome(file(json))));
  });

  const tensor = (fields: string, data = 4) => file(`{"w":{${fields}}}`, new Uint8Array(data));
  it.each([
    ["no brace first", file(" {}"), 'its header does not start with "{" (at character 0)'],
    ["text after", file("{} x"), "its header goes on after its end (at character 3)"],
    ["not UTF-8", file(new Uint8Array([0x7b, 0xff, 0x7d])), "has a header that is not UTF-8"],
    [
      "a long header",
      new Uint8Array([1, 0xe1, 0xf5, 5, 0, 0, 0, 0]),
      "says that its header is 100000001 bytes long; at most 100000000 are allowed (is it a safetensors file?)",
    ],
    [
      "a cut header",
      new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 0x7b]),
      "says that its header is 9 bytes long, but only 1 bytes follow; it is cut off",
    ],
    [
      "an unknown dtype",
      tensor('"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]'),
      'tensor "w" has the dtype "F8_E4M3"; supported are F32, F16, BF16, I64, I32, U8',
    ],
    [
      "a dtype that objects inherit",
      tensor('"dtype":"toString","shape":[4],"data_offsets":[0,4]'),
      'tensor "w" has the dtype "toString"; supported are F32, F16, BF16, I64, I32, U8',
    ],
    [
      "a hole",
      tensor('"dtype":"U8","shape":[3],"data_offsets":[1,4]'),
      'tensor "w" starts at 1 and leaves a hole; expected 0',
    ],
    [
      "data left over",
      tensor('"dtype":"U8","shape":[4],"data_offsets":[0,4]', 5),
      "holds 5 bytes of data, but its header describes 4",
    ],
    [
      "a wrong size",
      tensor('"dtype":"F32","shape":[2],"data_offsets":[0,4]'),
      'tensor "w" of dtype F32 and shape [2] takes 8 bytes, but has 4',
    ],
    [
      "an overflowing product",
      tensor('"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]'),
      'tensor "w" has the shape [4294967296,4294967296,4294967296], which is larger than any memory',
    ],
    [
      "a negative dimension",
      tensor('"dtype":"U8","shape":[-4],"data_offsets":[0,4]'),
      "its header expects a whole number (at character 28)",
    ],
    [
      "a number beyond 2^53",
      tensor('"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,4]'),
      "its header has the number 9007199254740993, which is too large (at character 28)",
    ],
    [
      "a missing field",
      tensor('"dtype":"U8","shape":[4]'),
      'its header lacks the dtype, shape or two data_offsets of tensor "w" (at character 31)',
    ],
    [
      "an unknown field",
      tensor('"dtype":"U8","device":"cpu"'),
      'its header has an unknown field "device" for tensor "w" (at character 28)',
    ],
    [
      "a name twice",
      file('{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{}}'),
      'its header names "w" twice (at character 57)',
    ],
    [
      "metadata that is no string",
      file('{"__metadata__":{"epoch":3}}'),
      "its header expects a string (metadata maps strings to strings) (at character 25)",
    ],
    [
      "half a surrogate pair",
      file('{"__metadata__":{"\\ud800":""}}'),
      "its header has a string that is not valid Unicode (at character 17)",
    ],
    ["depth", file(`{"w":${"[".repeat(1000)}`), 'its header expects "{" (at character 5)'],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, "w.safetensors")).toThrow(
      new DataError("w.safetensors", message),
    );
  });

  it("refuses overlapping tensors", () => {
    const one = (range: string) => `{"dtype":"U8","shape":[3],"data_offsets":[${range}]}`;
    const bytes = file(`{"a":${one("0,3")},"b":${one("2,5")}}`, new Uint8Array(5));
    expect(() => parseSafetensors(bytes, "w.safetensors")).toThrow(
      'w.safetensors: tensor "b" starts at 2 and overlaps the one before; expected 3',
    );
  });

  it("names the file that is missing, short or a folder", async () => {
    const path = join(folder, "none.safetensors");
    await expect(readSafetensors(path)).rejects.toThrow(
      `${path}: cannot be read: there is no such file (ENOENT)`,
    );
    await expect(readSafetensors(folder)).rejects.toThrow(
      new DataError(folder, "is not a regular file"),
    );
    await writeFile(path, "short");
    await expect(readSafetensors(path)).rejects.toThrow(
      `${path}: is 5 bytes long; a safetensors file has at least 8 bytes and a header`,
    );
  });
});

describe("mistakes when writing", () => {
  const data = new Float32Array(2);
  it.each([
    [[["w", { shape: [3], data }]], 'tensor "w" has the shape [3], but 2 elements'],
    [[["w", { shape: [-1, -2], data }]], 'tensor "w" has the shape [-1,-2], but 2 elements'],
    [[["__metadata__", { shape: [2], data }]], "has a name that the format reserves"],
    [
      [
        ["w", { shape: [2], data }],
        ["w", { shape: [2], data }],
      ],
      'tensor "w" is given twice',
    ],
    [[["\ud800", { shape: [2], data }]], "is not valid Unicode and cannot be stored"],
  ] as [[string, SafetensorsSource][], string][])("%j", (entries, message) => {
    expect(() => encodeSafetensors(entries)).toThrow(ArgumentError);
    expect(() => encodeSafetensors(entries)).toThrow(message);
  });
});
