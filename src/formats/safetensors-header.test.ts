import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { encodeSafetensors, parseSafetensors } from "./safetensors.js";

const concat = (chunks: Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));

/** A file from the text of its header and its data. */
function file(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return concat([length, text, data]);
}

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
    ["no brace first", file(" {}"), 'its header does not start with "{" (at byte 0)'],
    ["text after", file("{} x"), "its header goes on after its end (at byte 3)"],
    [
      "not UTF-8",
      file(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])),
      "has a header that is not UTF-8",
    ],
    [
      "a long header",
      new Uint8Array([1, 0xe1, 0xf5, 5, 0, 0, 0, 0]),
      "is not a safetensors file: its first 8 bytes announce a header of more than 100000000 bytes",
    ],
    [
      "a cut header",
      new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 0x7b]),
      "is not a safetensors file, or is cut off: it announces a header of 9 bytes, and 1 follow",
    ],
    [
      "an unknown dtype",
      tensor('"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]'),
      'tensor "w" has the dtype "F8_E4M3"; supported are F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL',
    ],
    [
      "a dtype that objects inherit",
      tensor('"dtype":"toString","shape":[4],"data_offsets":[0,4]'),
      'tensor "w" has the dtype "toString"; supported are F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL',
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
      "its header expects a whole number (at byte 28)",
    ],
    [
      "a number beyond 2^53",
      tensor('"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,4]'),
      "its header has the number 9007199254740993, which is too large (at byte 28)",
    ],
    [
      "a missing field",
      tensor('"dtype":"U8","shape":[4]'),
      'its header lacks the dtype, shape or two data_offsets of tensor "w" (at byte 31)',
    ],
    [
      "an unknown field",
      tensor('"dtype":"U8","device":"cpu"'),
      'its header has an unknown field "device" for tensor "w" (at byte 28)',
    ],
    [
      "a name twice",
      file('{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{}}'),
      'its header names "w" twice (at byte 57)',
    ],
    [
      "metadata that is no string",
      file('{"__metadata__":{"epoch":3}}'),
      "its header expects a string (metadata maps strings to strings) (at byte 25)",
    ],
    [
      "half a surrogate pair",
      file('{"__metadata__":{"\\ud800":""}}'),
      "its header has a string that is not valid Unicode (at byte 17)",
    ],
    ["depth", file(`{"w":${"[".repeat(1000)}`), 'its header expects "{" (at byte 5)'],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, "w.safetensors")).toThrow(
      new DataError("w.safetensors", message),
    );
  });

  it("refuses more names than any network has, which would take memory and time", () => {
    const many = (count: number, member: (i: number) => string) =>
      Array.from({ length: count }, (_, i) => member(i)).join();
    const empty = (i: number) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;
    expect(parseSafetensors(file(`{${many(100_000, empty)}}`)).tensors.size).toBe(100_000);
    expect(() => parseSafetensors(file(`{${many(100_001, empty)}}`))).toThrow(
      /: its header names more than 100000 tensors \(at byte \d+\)$/,
    );
    const notes = file(`{"__metadata__":{${many(10_001, (i) => `"${i}":""`)}}}`);
    expect(() => parseSafetensors(notes)).toThrow(
      /: its header has more than 10000 metadata \(at byte \d+\)$/,
    );
  });

  it("refuses overlapping tensors", () => {
    const one = (range: string) => `{"dtype":"U8","shape":[3],"data_offsets":[${range}]}`;
    const bytes = file(`{"a":${one("0,3")},"b":${one("2,5")}}`, new Uint8Array(5));
    expect(() => parseSafetensors(bytes, "w.safetensors")).toThrow(
      'w.safetensors: tensor "b" starts at 2 and overlaps the one before; expected 3',
    );
  });
});
