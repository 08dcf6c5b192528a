import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { gunzip } from "./gzip.js";

const hello = new Uint8Array(gzipSync("hello, gzip"));
const concat = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

async function refusal(bytes: Uint8Array, maxBytes = 1000): Promise<string> {
  const error = await gunzip(bytes, maxBytes, "x.gz").then(
    () => expect.fail("was read"),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return error.message;
}

describe("gunzip", () => {
  it("gives back what was compressed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        const out = await gunzip(new Uint8Array(gzipSync(bytes)), bytes.length, "x.gz");
        expect(out).toEqual(bytes);
      }),
    );
  });

  it("reads more than one of zlib's chunks", async () => {
    const bytes = new Uint8Array(3_000_000).map((_, i) => i ^ (i >> 8));
    const out = await gunzip(new Uint8Array(gzipSync(bytes)), 3_000_000, "x.gz");
    expect(Buffer.from(out).equals(bytes)).toBe(true);
  });

  it("refuses every truncation", async () => {
    for (let length = 0; length < hello.length; length++) {
      expect(await refusal(hello.slice(0, length))).toMatch(/is cut off|is not a gzip|more than/);
    }
  });

  it("takes or refuses every single-bit flip with a DataError", async () => {
    for (let bit = 0; bit < hello.length * 8; bit++) {
      const flipped = hello.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      try {
        await gunzip(flipped, 1000, "x.gz");
      } catch (error) {
        expect(error, `bit ${bit}`).toBeInstanceOf(DataError);
      }
    }
  });

  it.each([
    ["other bytes", new Uint8Array(30), "is not a gzip file (it does not start with bytes 1f 8b)"],
    [
      "zeros after",
      concat(hello, new Uint8Array(4)),
      "holds more than the 0 bytes that its end tells",
    ],
    [
      "zeros after that tell the right size",
      concat(hello, new Uint8Array([0, 11, 0, 0, 0])),
      "goes on after the end of its gzip data",
    ],
    [
      "garbage after",
      concat(hello, new Uint8Array([9, 9, 9, 0, 0, 0])),
      "is damaged: its gzip data has an incorrect header check",
    ],
    ["a second member", concat(hello, hello), "holds more than the 11 bytes that its end tells"],
    [
      "a broken checksum",
      hello.map((byte, i) => (i === hello.length - 5 ? byte ^ 1 : byte)),
      "is damaged: its gzip data has an incorrect data check",
    ],
  ])("refuses %s", async (_, bytes, message) => {
    expect(await refusal(bytes)).toBe(`x.gz: ${message}`);
  });

  it("refuses a bomb from its end, and one that lies about its size", async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(10_000_000)));
    const message = "x.gz: decompresses to more than the 1000 bytes expected of it";
    expect(await refusal(bomb)).toBe(message);
    new DataView(bomb.buffer).setUint32(bomb.length - 4, 1000, true);
    expect(await refusal(bomb)).toBe(message);
  });
});
