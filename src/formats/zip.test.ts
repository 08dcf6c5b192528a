import { describe, expect, it } from "vitest";
import { type ZipPart, zipOf } from "../../test/support/pth.js";
import { DataError } from "../errors.js";
import { runOnBytes } from "./reads.js";
import { readZipDirectory, readZipEntry } from "./zip.js";

const content = new TextEncoder().encode("some bytes");
const parts: ZipPart[] = [
  { name: "a/one", content },
  { name: "a/zwei ä", content: new Uint8Array(0) },
  { name: "a/three", content: content.slice(0, 4) },
];

/** Every entry's content as text, or the error's text. */
function readAll(bytes: Uint8Array): unknown {
  try {
    return runOnBytes(
      bytes,
      (function* () {
        const result: Record<string, string> = {};
        for (const entry of (yield* readZipDirectory(bytes.length, "a.zip")).values()) {
          result[entry.name] = new TextDecoder().decode(yield* readZipEntry(entry, "a.zip"));
        }
        return result;
      })(),
    );
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }
}

describe("readZipDirectory", () => {
  it("finds every entry, and its content", () => {
    expect(readAll(zipOf(parts))).toEqual({
      "a/one": "some bytes",
      "a/zwei ä": "",
      "a/three": "some",
    });
    expect(readAll(zipOf([]))).toEqual({});
  });

  it("goes by ZIP64's numbers where they are, which must agree with the others", () => {
    expect(readAll(withZip64(zipOf(parts), {}))).toEqual(readAll(zipOf(parts)));
    expect(readAll(withZip64(zipOf(parts), { hide: true }))).toEqual(readAll(zipOf(parts)));
    expect(readAll(withZip64(zipOf(parts), { count: 4n }))).toBe(
      "a.zip: is damaged: its two end records contradict each other",
    );
    expect(readAll(withZip64(zipOf(parts), { hide: true, count: 4n }))).toBe(
      "a.zip: is damaged: it says 4 files and has 3",
    );
    expect(readAll(withZip64(zipOf(parts), { hide: true, position: 2n ** 63n }))).toBe(
      "a.zip: is damaged: its zip directory is not where its end record says",
    );
  });

  const first = (lie: ZipPart["lie"]) =>
    zipOf([{ name: "a/one", content, lie: lie! }, ...parts.slice(1)]);
  it.each([
    [
      "compressed, such as a bomb would be",
      first({ method: 8, size: 0xfffffff0 }),
      '"a/one" is compressed (method 8); torch.save only stores: save it anew with it',
    ],
    ["encrypted", first({ flags: 1 }), '"a/one" is encrypted or of an unknown kind'],
    [
      "sizes that differ",
      first({ size: 1000 }),
      '"a/one" takes 10 bytes for its 1000, without compression',
    ],
    [
      "overlapping",
      first({ size: 200, stored: 200 }),
      'is damaged: "a/one" reaches into what follows it',
    ],
    [
      "elsewhere",
      first({ offset: 1 }),
      `is damaged: "a/one" is not where the archive's directory says`,
    ],
    [
      "one header for two entries",
      zipOf([parts[0]!, { name: "a/two", content, lie: { offset: 0 } }]),
      'is damaged: "a/one" reaches into what follows it',
    ],
    [
      "one name twice",
      zipOf([parts[0]!, parts[0]!]),
      'is damaged: its zip archive has "a/one" twice',
    ],
    [
      "wide numbers that are not there",
      first({ size: 0xffffffff, stored: 0xffffffff }),
      '"a/one" lacks a ZIP64 field',
    ],
    [
      "something behind it",
      new Uint8Array([...zipOf(parts), 0]),
      "is cut off, or followed by something: it does not end as a zip does",
    ],
    [
      "something before it",
      new Uint8Array([0, ...zipOf(parts)]),
      "is damaged: its zip directory is not where its end record says",
    ],
    [
      "nothing",
      new Uint8Array(0),
      "is cut off, or followed by something: it does not end as a zip does",
    ],
  ])("refuses what is %s", (_, bytes, message) => {
    expect(readAll(bytes)).toBe(`a.zip: ${message}`);
  });

  it("refuses a name that the local header does not have", () => {
    const bytes = zipOf(parts);
    bytes[31] = 0x5f; // "a/one" → "a_one"
    expect(readAll(bytes)).toBe(
      `a.zip: is damaged: "a/one" is something else than the archive's directory says`,
    );
  });
});

/** The archive with the two records of ZIP64 before its end, which may hide its own numbers. */
function withZip64(
  zip: Uint8Array,
  { hide = false, count, position }: { hide?: boolean; count?: bigint; position?: bigint },
): Uint8Array {
  const end = Buffer.from(zip.slice(-22));
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(end.readUInt16LE(10)), 24);
  record.writeBigUInt64LE(count ?? BigInt(end.readUInt16LE(10)), 32);
  record.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40);
  record.writeBigUInt64LE(position ?? BigInt(end.readUInt32LE(16)), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(zip.length - 22), 8);
  locator.writeUInt32LE(1, 16);
  if (hide) end.fill(0xff, 8, 20);
  return new Uint8Array(Buffer.concat([zip.slice(0, -22), record, locator, end]));
}
