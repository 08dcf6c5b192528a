// Reductions, softmax and losses.

import { nn } from "../../../src/index.js";
import type { OpCase } from "./check.js";
import {
  at,
  average,
  expand,
  fill,
  most,
  type Nd,
  permute,
  reduce,
  reshape,
  total,
  zip,
} from "./nd.js";
import { given, spread, whole } from "./values.js";

const F = nn.functional;

const reductions: OpCase[] = [
  [undefined, [0, 1, 2]],
  [0, [0]],
  [-1, [2]],
  [
    [0, 2],
    [0, 2],
  ],
  [
    [1, 2],
    [1, 2],
  ],
  [[], []],
].flatMap(([dims, axes]): OpCase[] => {
  const inputs = [spread([3, 4, 2])];
  const name = `over ${JSON.stringify(dims) ?? "all"}`;
  const d = dims as number | number[] | undefined;
  const over = (fn: (values: readonly number[]) => number) => (x: Nd) =>
    reduce(x, axes as number[], fn);
  return [
    {
      name: `sum ${name}`,
      inputs,
      build: (x) => x.sum(d),
      expected: over(total),
      gradient: "twice",
    },
    {
      name: `mean ${name}`,
      inputs,
      build: (x) => x.mean(d),
      expected: over(average),
      gradient: "twice",
    },
    {
      name: `max ${name}`,
      inputs,
      build: (x) => x.max(d),
      expected: over(most),
      gradient: "twice",
    },
    {
      name: `min ${name}`,
      inputs,
      build: (x) => x.min(d),
      expected: over((v) => Math.min(...v)),
      gradient: "once",
    },
  ];
});

const spreadOf = (correction: number) => (values: readonly number[]) => {
  const mean = average(values);
  return total(values.map((v) => (v - mean) ** 2)) / (values.length - correction);
};

const moreReductions: OpCase[] = [
  {
    name: "var over 1, keepDim",
    inputs: [spread([3, 5])],
    build: (x) => x.var(1, { keepDim: true }),
    expected: (x) => reshape(reduce(x, [1], spreadOf(1)), [3, 1]),
    gradient: "twice",
  },
  {
    name: "var of all, correction 0",
    inputs: [spread([3, 5])],
    build: (x) => x.var(undefined, { correction: 0 }),
    expected: (x) => reduce(x, [0, 1], spreadOf(0)),
    gradient: "twice",
  },
  {
    name: "argmax of all",
    inputs: [spread([3, 4])],
    build: (x) => x.argmax(),
    expected: (x) => ({ shape: [], data: [x.data.indexOf(most(x.data))] }),
    gradient: "none",
  },
  {
    name: "argmax over 0 of a transposed tensor",
    inputs: [spread([4, 3])],
    build: (x) => x.T.argmax(1),
    expected: (x) => reduce(permute(x, [1, 0]), [1], (v) => v.indexOf(most(v))),
    gradient: "none",
  },
  {
    name: "argmax takes the first of equals",
    inputs: [given([2, 4], [1, 3, 3, 0, 2, 2, 2, 2])],
    build: (x) => x.argmax(1),
    expected: () => ({ shape: [2], data: [1, 0] }),
    gradient: "none",
  },
  {
    name: "argmax of a scalar",
    inputs: [given([], [5])],
    build: (x) => x.argmax(),
    expected: () => ({ shape: [], data: [0] }),
    gradient: "none",
  },
  {
    name: "sum of u8 is i32",
    inputs: [whole([3, 50], 0, 256, "u8")],
    build: (x) => x.sum(1),
    expected: (x) => reduce(x, [1], total),
    gradient: "none",
  },
  {
    name: "sum over no elements",
    inputs: [spread([0, 3])],
    build: (x) => x.sum(0),
    expected: () => ({ shape: [3], data: [0, 0, 0] }),
    gradient: "once",
  },
  {
    name: "sum and max over the same sum",
    inputs: [spread([4, 3, 5])],
    build: (x) => x.sum([0, 2]).mul(x.mul(x).max(1).sum()),
    gradient: "twice",
  },
];

// ---------------------------------------------------------------- softmax and losses

const exps = (values: readonly number[]) => total(values.map(Math.exp));
const keep = (x: Nd, dim: number, fn: (values: readonly number[]) => number): Nd => {
  const kept = x.shape.map((n, d) => (d === dim ? 1 : n));
  return expand(reshape(reduce(x, [dim], fn), kept), x.shape);
};

const softmaxes: OpCase[] = [
  ...[0, 1, 2].flatMap((dim): OpCase[] => [
    {
      name: `softmax over ${dim}`,
      inputs: [spread([2, 4, 3], -3, 3)],
      build: (x) => x.softmax(dim),
      expected: (x) => zip(x, keep(x, dim, exps), (v, sum) => Math.exp(v) / sum),
      gradient: "twice",
    },
    {
      name: `logSoftmax over ${dim}`,
      inputs: [spread([2, 4, 3], -3, 3)],
      build: (x) => x.logSoftmax(dim),
      expected: (x) => zip(x, keep(x, dim, exps), (v, sum) => v - Math.log(sum)),
      gradient: "twice",
    },
  ]),
  {
    name: "softmax of large numbers",
    inputs: [given([2, 3], [1000, 1001, 999, -1000, -1000, -1001])],
    build: (x) => x.softmax(1),
    expected: (x) => {
      const shifted = zip(x, keep(x, 1, most), (v, m) => v - m);
      return zip(shifted, keep(shifted, 1, exps), (v, sum) => Math.exp(v) / sum);
    },
    gradient: "once",
  },
  ...(["mean", "sum", "none"] as const).map(
    (reduction): OpCase => ({
      name: `crossEntropy, ${reduction}`,
      inputs: [spread([4, 5], -3, 3), whole([4], 0, 5)],
      build: (x, y) => F.crossEntropy(x, y, { reduction }),
      expected: (x, y) => {
        const rows = fill([4], ([r]) => {
          const row = Array.from({ length: 5 }, (_, c) => at(x, [r!, c]));
          return Math.log(exps(row)) - row[at(y, [r!])]!;
        });
        if (reduction === "none") return rows;
        return reduce(rows, [0], reduction === "sum" ? total : average);
      },
      gradient: "once",
    }),
  ),
  {
    name: "crossEntropy of no rows",
    inputs: [spread([0, 5]), whole([0], 0, 5)],
    build: (x, y) => F.crossEntropy(x, y, { reduction: "sum" }).add(x.softmax(1).max(1).sum()),
    expected: () => ({ shape: [], data: [0] }),
    gradient: "once",
  },
  {
    name: "crossEntropy of transposed logits, scaled",
    inputs: [spread([5, 4], -3, 3), whole([4], 0, 5)],
    build: (x, y) => F.crossEntropy(x.T.mul(2), y).mul(3),
    gradient: "once",
  },
];

export const reductionCases = [...reductions, ...moreReductions, ...softmaxes];
