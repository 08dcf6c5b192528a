// Normalisation across channels (local response) and over batches. Both are compositions, with the
// parts whose gradients would come out clumsy as ops of their own.

import { ArgumentError, ShapeError } from "../errors.js";
import { make, type Node, type Op } from "../graph/node.js";
import { showShape } from "../graph/shape.js";
import { expand, reshape, sumKept } from "./broadcast.js";
import { add, div, exp, log, mul, sqrt, sub } from "./elementwise.js";
import { constant } from "./leaf.js";
import { requireF32 } from "./matmul.js";
import { pad, slice } from "./movement.js";
import { mean } from "./reduce.js";

// ---------------------------------------------------------------- local response

export interface Neighbourhood {
  readonly dim: number;
  readonly before: number;
  readonly after: number;
}

/** The sum of each element and its neighbours along `dim`, as far as there are any. */
const neighbourSumOp: Op<Neighbourhood> = {
  name: "neighbourSum",
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  // an element counts for those that it is a neighbour of: the same, seen from the other side
  gradient: (g, { attrs: { dim, before, after } }) => [
    make(neighbourSumOp, [g], { dim, before: after, after: before }),
  ],
  lower: {
    kind: "composed",
    compose: ({ inputs: [x], shape, attrs: { dim, before, after } }) => {
      const along = (n: number) => shape.map((_, d) => (d === dim ? n : 0));
      const padded = pad(x!, along(before), along(after), 0);
      const shifted = Array.from({ length: before + 1 + after }, (_, start) =>
        slice(
          padded,
          shape.map((n, d) => ({
            start: d === dim ? start : 0,
            end: d === dim ? start + n : n,
            step: 1,
          })),
        ),
      );
      return shifted.reduce(add);
    },
  },
};

/** Of which neighbours a node is the sum, if it is such a sum. */
export const neighboursOf = (node: Node): Neighbourhood | undefined =>
  node.op === (neighbourSumOp as Op) ? (node.attrs as Neighbourhood) : undefined;

/** Options of a local response normalisation, as PyTorch names and defaults them. */
export interface LocalResponseNormOptions {
  readonly alpha?: number;
  readonly beta?: number;
  readonly k?: number;
}

/** x / (k + alpha/size · Σ x²)^beta, summed over `size` neighbouring channels; x [n, c, …]. */
export function localResponseNorm(
  x: Node,
  size: number,
  { alpha = 1e-4, beta = 0.75, k = 1 }: LocalResponseNormOptions = {},
): Node {
  if (!Number.isInteger(size) || size < 1)
    throw new ArgumentError("localResponseNorm", `size must be a whole number ≥ 1, got ${size}`);
  if (x.shape.length < 3) {
    throw new ShapeError(
      "localResponseNorm",
      `expects an input [n, c, …] of at least three dimensions, got ${showShape(x.shape)}`,
      [x.shape],
    );
  }
  requireF32("localResponseNorm", x);
  const squares = make(neighbourSumOp, [mul(x, x)], {
    dim: 1,
    before: Math.floor(size / 2),
    after: Math.floor((size - 1) / 2),
  });
  const base = add(constant(k), mul(constant(alpha / size), squares));
  // base^−beta; in this form the gradient needs no second power
  return mul(x, exp(mul(constant(-beta), log(base))));
}

// ---------------------------------------------------------------- batch

/** Everything but the channels of [n, c, h, w]. */
const overBatch = [0, 2, 3];

const countOf = ({ shape: [n, , h, w] }: Node) => n! * h! * w!;
const channelsAsDim = (v: Node) => reshape(v, [1, v.shape[0]!, 1, 1]);

/** Mean and (biased) variance of each channel of x [n, c, h, w], as [1, c, 1, 1]. */
function moments(x: Node): { mean: Node; variance: Node } {
  if (countOf(x) < 2) {
    throw new ShapeError(
      "batchNorm",
      `expects more than one value for each channel while training, got ${showShape(x.shape)}; use a larger batch or eval()`,
      [x.shape],
    );
  }
  const centre = mean(x, overBatch, true);
  const centred = sub(x, centre);
  return { mean: centre, variance: mean(mul(centred, centred), overBatch, true) };
}

const scaleAndShift = (x: Node, centre: Node, rstd: Node, weight: Node, bias: Node) =>
  add(mul(sub(x, centre), mul(weight, rstd)), bias);

/**
 * (x − mean) · rstd · weight + bias, where mean and rstd are x's own. x receives the whole gradient,
 * also what comes through them, in the form that takes two sums over g (Ioffe and Szegedy 2015):
 * dx = weight · rstd · (g − Σg/n − (x − mean) · rstd² · Σ(g · (x − mean))/n).
 */
const batchNormOp: Op<null> = {
  name: "batchNorm",
  infer: ([x]) => ({ shape: x!.shape, dtype: "f32" }),
  gradient: (g, { inputs }) => {
    const [x, centre, rstd, weight] = inputs as [Node, Node, Node, Node];
    const centred = sub(x, centre);
    const sum = sumKept(g, overBatch);
    const product = sumKept(mul(g, centred), overBatch);
    const n = constant(countOf(x));
    const along = mul(mul(rstd, rstd), div(product, n));
    return [
      mul(mul(weight, rstd), sub(sub(g, div(sum, n)), mul(centred, along))),
      undefined,
      undefined,
      mul(product, rstd),
      sum,
    ];
  },
  lower: {
    kind: "composed",
    compose: ({ inputs }) => scaleAndShift(...(inputs as [Node, Node, Node, Node, Node])),
  },
};

export interface BatchNormInputs {
  /** What each channel is multiplied by and moved by afterwards, [c]; 1 and 0 by default. */
  readonly weight: Node | undefined;
  readonly bias: Node | undefined;
  /** Statistics to normalise by, [c]; those of x itself by default. */
  readonly statistics: { readonly mean: Node; readonly variance: Node } | undefined;
  readonly eps: number;
}

/** (x − mean) / √(variance + eps) · weight + bias, channel by channel; x [n, c, h, w]. */
export function batchNorm(x: Node, { weight, bias, statistics, eps }: BatchNormInputs): Node {
  checkBatch(x);
  const channels = x.shape[1]!;
  for (const [name, v] of Object.entries({ weight, bias, ...statistics })) {
    if (v && (v.shape.length !== 1 || v.shape[0] !== channels)) {
      throw new ShapeError(
        "batchNorm",
        `${name} ${showShape(v.shape)} does not fit ${channels} channels (input ${showShape(x.shape)}); pass numFeatures: ${channels}`,
        [v.shape, x.shape],
      );
    }
  }
  const row = [1, channels, 1, 1];
  const scale = weight ? channelsAsDim(weight) : expand(constant(1), row);
  const shift = bias ? channelsAsDim(bias) : expand(constant(0), row);
  const rstdOf = (variance: Node) => div(constant(1), sqrt(add(variance, constant(eps))));
  if (statistics) {
    const rstd = rstdOf(channelsAsDim(statistics.variance));
    return scaleAndShift(x, channelsAsDim(statistics.mean), rstd, scale, shift);
  }
  const own = moments(x);
  return make(batchNormOp, [x, own.mean, rstdOf(own.variance), scale, shift], null);
}

/**
 * Mean [c] and variance [c] of each channel of x [n, c, h, w], the variance divided by count − 1: what
 * running statistics are averages of.
 */
export function batchStatistics(x: Node): { mean: Node; variance: Node } {
  checkBatch(x);
  const own = moments(x);
  const count = countOf(x);
  const flat = (v: Node) => reshape(v, [x.shape[1]!]);
  return {
    mean: flat(own.mean),
    variance: mul(flat(own.variance), constant(count / (count - 1))),
  };
}

function checkBatch(x: Node): void {
  if (x.shape.length !== 4) {
    throw new ShapeError("batchNorm", `expects an input [n, c, h, w], got ${showShape(x.shape)}`, [
      x.shape,
    ]);
  }
  requireF32("batchNorm", x);
}
