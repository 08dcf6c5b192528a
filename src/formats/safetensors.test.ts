import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArgumentError, DataError } from "../errors.js";
import { decodeElements } from "./elements.js";
import { encodeSafetensors, parseSafetensors, type SafetensorsSource } from "./safetensors.js";
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from "./safetensors-file.js";
import { readShapes } from "./tensors-file.js";

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
    const { data } = decodeElements("F16", [65536], every.buffer);
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

describe("files of over 2 GiB", () => {
  it("are checked by their header and length, and told tensor by tensor", async () => {
    const path = join(folder, "large");
    const bytes = 5 * 2 ** 30;
    const text = `{"w":{"dtype":"F32","shape":[${bytes / 4}],"data_offsets":[0,${bytes}]}}`;
    const header = Buffer.alloc(8 + text.length);
    header.writeBigUInt64LE(BigInt(text.length));
    header.write(text, 8);
    await writeFile(path, header);
    await truncate(path, header.length + bytes); // a hole, which takes no room on the disk
    expect([...(await readShapes(path))]).toEqual([["w", [bytes / 4]]]);
    await truncate(path, header.length + bytes - 1);
    await expect(readShapes(path)).rejects.toThrow(
      `${path}: tensor "w" ends at ${bytes}, but only ${bytes - 1} bytes of data follow`,
    );
  });
});

describe("files that cannot be read", () => {
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
