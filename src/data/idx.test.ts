import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { parseIdx } from "./idx.js";

function idx(shape: number[], data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  bytes.set([0, 0, 8, shape.length]);
  const view = new DataView(bytes.buffer);
  for (const [i, n] of shape.entries()) view.setUint32(4 + 4 * i, n);
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}

describe("parseIdx", () => {
  it("gives back shape and bytes, of any rank", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }), (shape) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const data = Uint8Array.from({ length: size }, (_, i) => i);
        const parsed = parseIdx(idx(shape, data), shape.length, "x");
        expect(parsed.shape).toEqual(shape);
        expect(parsed.data).toEqual(data);
      }),
    );
  });

  const small = idx([2, 2, 2], new Uint8Array(8));
  const parse = (bytes: Uint8Array<ArrayBuffer>) => parseIdx(bytes, 3, "t10k");

  it("refuses every truncation, and takes or refuses every bit flip with a DataError", () => {
    for (let length = 0; length < small.length; length++) {
      expect(() => parse(small.slice(0, length))).toThrow(DataError);
    }
    for (let bit = 0; bit < small.length * 8; bit++) {
      const flipped = small.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      // Sixteen bytes of header decide; the pixels may be anything.
      if (bit < 16 * 8) expect(() => parse(flipped), `bit ${bit}`).toThrow(DataError);
      else expect(parse(flipped).shape).toEqual([2, 2, 2]);
    }
  });

  const huge = 0xffffffff;
  it.each([
    [new Uint8Array(3), "is 3 bytes long; an IDX file has at least 4"],
    [
      new Uint8Array([1, 0, 8, 3]),
      "is not an IDX file: expected it to start with 00 00, got 01 00",
    ],
    [new Uint8Array([0, 0, 13, 3]), "has the IDX element type 13; expected 8 (unsigned bytes)"],
    [idx([8], new Uint8Array(8)), "has 1 dimensions; expected 3"],
    [small.slice(0, 9), "is cut off: 9 bytes of a header of 16"],
    [idx([2, 2, 2], new Uint8Array(9)), "has the shape [2,2,2] and so 8 bytes of data; got 9"],
    [
      idx([huge, huge, huge], new Uint8Array(8)),
      "has the shape [4294967295,4294967295,4294967295], which is larger than any file",
    ],
  ])("refuses case %#: $1", (bytes, message) => {
    expect(() => parse(bytes)).toThrow(new DataError("t10k", message));
  });
});
