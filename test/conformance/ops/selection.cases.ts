// Selection and conversion.

import { type Tensor, where } from "../../../src/index.js";
import type { OpCase } from "./check.js";
import { map, zip } from "./nd.js";
import { given, type Input, spread, whole } from "./values.js";

const ties = given([2, 3], [1, 2, 3, -1, 0, 5]);

export const selectionCases: OpCase[] = [
  {
    name: "where, by a comparison, broadcast",
    inputs: [spread([3, 4]), spread([4], -1, 1, 5), spread([3, 1], -1, 1, 6)],
    build: (x, a, b) => where(x.gt(0.1), a.mul(x), b),
    expected: (x, a, b) =>
      zip(
        zip(x, a, (u, v) => (u > 0.1 ? u * v : NaN)),
        b,
        (u, v) => (Number.isNaN(u) ? v : u),
      ),
    gradient: "twice",
  },
  {
    name: "where, an f32 condition and numbers",
    inputs: [given([4], [0, 1, -2, 0]), spread([4])],
    build: (c, a) => where(c, a, 7),
    expected: (c, a) => zip(c, a, (u, v) => (u !== 0 ? v : 7)),
    gradient: "once",
  },
  {
    name: "where of integers",
    inputs: [whole([6], 0, 2, "u8"), whole([6], -5, 5)],
    build: (c, a) => where(c, a, a.mul(a)),
    expected: (c, a) => zip(c, a, (u, v) => (u !== 0 ? v : v * v)),
    gradient: "none",
  },
  {
    name: "a mask from a comparison, as a number",
    inputs: [spread([3, 4])],
    build: (x) => x.mul(x.gt(0).float()),
    expected: (x) => map(x, (v) => Math.max(v, 0)),
    gradient: "twice",
  },
  ...(
    [
      [
        "f32 → i32 truncates",
        (x) => x.int(),
        Math.trunc,
        given([7], [2.7, -2.7, 0.5, -0.5, 3e9, -3e9, NaN]),
        (v: number) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(v))) || 0,
      ],
      [
        "f32 → u8 modulo 256",
        (x) => x.byte(),
        undefined,
        given([5], [0, 255.9, 256, 300, -1]),
        (v: number) => Math.trunc(v) & 255,
      ],
      [
        "i32 → u8 → i32 keeps 8 bits",
        (x) => x.byte().int(),
        undefined,
        whole([8], -600, 600),
        (v: number) => v & 255,
      ],
      [
        "u8 → f32",
        (x) => x.float().div(255),
        undefined,
        whole([8], 0, 256, "u8"),
        (v: number) => v / 255,
      ],
      ["i32 → f32", (x) => x.float(), undefined, whole([8], -1000, 1000), (v: number) => v],
    ] as const satisfies readonly (readonly [
      string,
      (x: Tensor) => Tensor,
      unknown,
      Input,
      (v: number) => number,
    ])[]
  ).map(
    ([name, build, , input, fn]): OpCase => ({
      name,
      inputs: [input],
      build,
      expected: (x) => map(x, (v) => fn(v) + 0),
      gradient: "none",
    }),
  ),
  {
    name: "abs, neg and maximum of integers",
    inputs: [whole([7], -20, 20)],
    build: (x) => x.abs().maximum(x.neg().add(3)).minimum(9),
    expected: (x) => map(x, (v) => Math.min(9, Math.max(Math.abs(v), 3 - v))),
    gradient: "none",
  },
  {
    name: "a gradient through a conversion of the other operand",
    inputs: [ties, whole([2, 3], 0, 4)],
    build: (x, i) => x.mul(i.float()).sum(1),
    gradient: "once",
  },
];
