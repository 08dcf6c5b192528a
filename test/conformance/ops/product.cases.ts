// Matrix products and fully connected layers.

import { nn, type Tensor } from "../../../src/index.js";
import type { OpCase } from "./check.js";
import { at, expand, fill, map, type Nd, permute, reshape, total, zip } from "./nd.js";
import { spread } from "./values.js";

const F = nn.functional;

function product(a: Nd, b: Nd): Nd {
  const x = a.shape.length === 1 ? reshape(a, [1, ...a.shape]) : a;
  const y = b.shape.length === 1 ? reshape(b, [...b.shape, 1]) : b;
  const [m, k, n] = [x.shape.at(-2)!, x.shape.at(-1)!, y.shape.at(-1)!];
  const [fx, fy] = [x.shape.slice(0, -2), y.shape.slice(0, -2)];
  // the shape that the dimensions in front broadcast to
  const front = zip(
    fill(fx, () => 0),
    fill(fy, () => 0),
    () => 0,
  ).shape;
  const [p, q] = [expand(x, [...front, m, k]), expand(y, [...front, k, n])];
  const full = fill([...front, m, n], (index) => {
    const [i, j] = index.slice(-2) as [number, number];
    const batch = index.slice(0, -2);
    return total(
      Array.from({ length: k }, (_, l) => at(p, [...batch, i, l]) * at(q, [...batch, l, j])),
    );
  });
  return reshape(full, [
    ...front,
    ...(a.shape.length === 1 ? [] : [m]),
    ...(b.shape.length === 1 ? [] : [n]),
  ]);
}

const matmuls: OpCase[] = (
  [
    [
      [3, 4],
      [4, 2],
    ],
    [
      [1, 5],
      [5, 1],
    ],
    [[4], [4]],
    [[4], [4, 3]],
    [[3, 4], [4]],
    [
      [2, 3, 4],
      [4, 2],
    ],
    [
      [2, 3, 4],
      [2, 4, 2],
    ],
    [
      [2, 1, 3, 2],
      [3, 2, 2],
    ],
    [[3], [2, 3, 2]],
    [
      [0, 3],
      [3, 2],
    ],
    [
      [2, 0],
      [0, 3],
    ],
  ] as const
).map(([a, b]) => ({
  name: `matmul [${a}] · [${b}]`,
  inputs: [spread(a, -1, 1, 1), spread(b, -1, 1, 2)],
  build: (x: Tensor, y: Tensor) => x.matmul(y),
  expected: product,
  gradient: "twice" as const,
}));

const linears: OpCase[] = [
  {
    name: "linear with bias and ReLU",
    inputs: [spread([5, 4]), spread([3, 4], -1, 1, 2), spread([3], -1, 1, 3)],
    build: (x, w, b) => F.linear(x, w, b).relu(),
    expected: (x, w, b) =>
      map(
        zip(product(x, permute(w, [1, 0])), b, (u, v) => u + v),
        (v) => Math.max(v, 0),
      ),
    gradient: "twice",
  },
  {
    name: "linear over [..., in] of a transposed input",
    inputs: [spread([4, 2, 3]), spread([2, 4], -1, 1, 2)],
    build: (x, w) => F.linear(x.permute(1, 2, 0), w),
    expected: (x, w) => product(permute(x, [1, 2, 0]), permute(w, [1, 0])),
    gradient: "twice",
  },
  {
    name: "linear of one vector, and of no rows",
    inputs: [spread([4]), spread([0, 4]), spread([2, 4], -1, 1, 2), spread([2])],
    build: (x, none, w, b) => F.linear(x, w, b).add(F.linear(none, w, b).sum(0)),
    gradient: "once",
  },
  {
    name: "a matrix and its transpose",
    inputs: [spread([3, 4])],
    build: (x) => x.matmul(x.T).matmul(x),
    expected: (x) => product(product(x, permute(x, [1, 0])), x),
    gradient: "twice",
  },
];

export const productCases = [...matmuls, ...linears];
