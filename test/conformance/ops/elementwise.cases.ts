// Elementwise ops and broadcasting.

import type { Tensor } from "../../../src/index.js";
import type { OpCase } from "./check.js";
import { map, type Nd, zip } from "./nd.js";
import { type Input, spread, whole } from "./values.js";

const unary = (
  name: string,
  build: (x: Tensor) => Tensor,
  fn: (x: number) => number,
  [low, high]: readonly [number, number],
  gradient: OpCase["gradient"] = "twice",
): OpCase => ({
  name,
  inputs: [spread([3, 5], low, high)],
  build,
  expected: (x) => map(x, fn),
  gradient,
});

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const unaryCases: OpCase[] = [
  unary(
    "neg",
    (x) => x.neg(),
    (x) => -x,
    [-2, 2],
  ),
  unary("abs", (x) => x.abs(), Math.abs, [-2, 2]),
  unary("exp", (x) => x.exp(), Math.exp, [-2, 1]),
  unary("log", (x) => x.log(), Math.log, [0.5, 3]),
  unary("sqrt", (x) => x.sqrt(), Math.sqrt, [0.5, 3]),
  unary("sin", (x) => x.sin(), Math.sin, [-3, 3]),
  unary("cos", (x) => x.cos(), Math.cos, [-3, 3]),
  unary("tanh", (x) => x.tanh(), Math.tanh, [-2, 2]),
  unary("sigmoid", (x) => x.sigmoid(), sigmoid, [-3, 3]),
  // no erf in JavaScript: the kernel's is held against PyTorch's by its own tests
  { name: "erf", inputs: [spread([3, 5], -2, 2)], build: (x) => x.erf(), gradient: "twice" },
  unary("floor", (x) => x.floor(), Math.floor, [-3, 3]),
  unary(
    "relu",
    (x) => x.relu(),
    (x) => Math.max(x, 0),
    [-2, 2],
  ),
  unary(
    "square",
    (x) => x.square(),
    (x) => x * x,
    [-2, 2],
  ),
  unary(
    "clamp",
    (x) => x.clamp(-0.5, 0.7),
    (x) => Math.min(0.7, Math.max(-0.5, x)),
    [-1, 1],
  ),
  unary(
    "add a number",
    (x) => x.add(3),
    (x) => x + 3,
    [-2, 2],
  ),
  unary(
    "pow 3",
    (x) => x.pow(3),
    (x) => x ** 3,
    [-2, 2],
  ),
  unary(
    "pow -1",
    (x) => x.pow(-1),
    (x) => 1 / x,
    [0.6, 2],
  ),
  unary(
    "a program of many",
    (x) => x.mul(2).sin().add(x.exp()).div(x.square().add(1)),
    (x) => (Math.sin(2 * x) + Math.exp(x)) / (x * x + 1),
    [-1, 1],
  ),
];

const binaryCase = (
  name: string,
  build: (a: Tensor, b: Tensor) => Tensor,
  fn: (a: number, b: number) => number,
  a: Input,
  b: Input,
  gradient: OpCase["gradient"] = "twice",
): OpCase => ({ name, inputs: [a, b], build, expected: (x, y) => zip(x, y, fn), gradient });

const [p, q] = [spread([4, 3], -2, 2, 1), spread([4, 3], 0.6, 2, 2)];
const truth = (fn: (a: number, b: number) => boolean) => (a: number, b: number) =>
  fn(a, b) ? 1 : 0;
const equalSometimes = [whole([4, 3], 0, 3), whole([3], 0, 3)] as const;

const binaryCases: OpCase[] = [
  binaryCase(
    "add",
    (a, b) => a.add(b),
    (a, b) => a + b,
    p,
    q,
  ),
  binaryCase(
    "sub",
    (a, b) => a.sub(b),
    (a, b) => a - b,
    p,
    q,
  ),
  binaryCase(
    "mul",
    (a, b) => a.mul(b),
    (a, b) => a * b,
    p,
    q,
  ),
  {
    ...binaryCase(
      "div",
      (a, b) => a.div(b),
      (a, b) => a / b,
      p,
      q,
    ),
    amplification: 20,
  },
  {
    ...binaryCase(
      "pow",
      (a, b) => a.pow(b),
      (a, b) => a ** b,
      q,
      p,
    ),
    amplification: 20,
  },
  binaryCase("maximum", (a, b) => a.maximum(b), Math.max, p, q),
  binaryCase("minimum", (a, b) => a.minimum(b), Math.min, p, q),
  ...(
    [
      ["eq", (a, b) => a === b],
      ["ne", (a, b) => a !== b],
      ["lt", (a, b) => a < b],
      ["le", (a, b) => a <= b],
      ["gt", (a, b) => a > b],
      ["ge", (a, b) => a >= b],
    ] as const satisfies readonly (readonly [string, (a: number, b: number) => boolean])[]
  ).flatMap(([name, fn]) => [
    binaryCase(name, (a, b) => a[name](b), truth(fn), p, q, "none"),
    binaryCase(`${name} of integers`, (a, b) => a[name](b), truth(fn), ...equalSometimes, "none"),
  ]),
  binaryCase(
    "i32 + u8",
    (a, b) => a.add(b),
    (a, b) => a + b,
    whole([4, 3], -9, 9),
    whole([3], 0, 256, "u8"),
    "none",
  ),
  binaryCase(
    "u8 + u8 is i32",
    (a, b) => a.add(b),
    (a, b) => a + b,
    whole([5], 0, 256, "u8"),
    whole([5], 200, 256, "u8"),
    "none",
  ),
  binaryCase(
    "i32 · f32",
    (a, b) => a.mul(b),
    (a, b) => a * b,
    whole([4, 3], -9, 9),
    q,
  ),
  binaryCase(
    "i32 / i32 is f32",
    (a, b) => a.div(b),
    (a, b) => a / b,
    whole([4, 3], -9, 9),
    whole([4, 3], 1, 9),
    "none",
  ),
];

const shapes: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["a row and a column", [1, 4], [3, 1]],
  ["a scalar", [2, 3], []],
  ["more dimensions on the right", [3], [2, 4, 3]],
  ["ones in the middle", [2, 1, 3], [1, 4, 1]],
  ["no elements", [0, 3], [1, 3]],
  ["four dimensions and channels", [2, 3, 2, 2], [3, 1, 1]],
];

const broadcastCases: OpCase[] = shapes.map(([name, a, b]) => ({
  name: `broadcasting: ${name}`,
  inputs: [spread(a, -1, 1, 3), spread(b, -1, 1, 4)],
  build: (x: Tensor, y: Tensor) => x.mul(y).add(x),
  expected: (x: Nd, y: Nd) =>
    zip(
      zip(x, y, (u, v) => u * v),
      x,
      (u, v) => u + v,
    ),
  gradient: "twice",
}));

export const elementwiseCases = [...unaryCases, ...binaryCases, ...broadcastCases];
