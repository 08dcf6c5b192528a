// Random numbers as a function of (seed, step, stream, element): nothing to save but counters, and
// nothing that depends on the order or the number of threads.

import { make, type Node, type Op } from "../graph/node.js";
import type { Shape } from "../graph/shape.js";
import { expand, reshape } from "./broadcast.js";
import { cos, log, lt, mul, sqrt, sub } from "./elementwise.js";
import { constant, index } from "./leaf.js";
import { slice } from "./movement.js";

const uniformOp: Op<{ stream: number }> = {
  name: "uniform",
  infer: ([position]) => ({ shape: position!.shape, dtype: "f32" }),
  lower: {
    kind: "elementwise",
    instruction: ({ attrs: { stream } }) => ({ op: "uniform", dtype: "i32", stream }),
  },
};

/** Where random numbers come from: a key i32 [2] (seed, step), and numbers for the streams drawn. */
export interface RandomSource {
  readonly key: Node;
  nextStream(): number;
}

/** Uniform in [0, 1), in steps of 2^-24. */
export function uniform(shape: Shape, source: RandomSource): Node {
  const word = (i: number) =>
    expand(reshape(slice(source.key, [{ start: i, end: i + 1, step: 1 }]), []), shape);
  return make(uniformOp, [index(shape), word(0), word(1)], { stream: source.nextStream() });
}

/** Standard normal, by Box and Muller: √(−2 log(1 − u)) · cos(2π v). */
export function normal(shape: Shape, source: RandomSource): Node {
  const u = uniform(shape, source);
  const v = uniform(shape, source);
  const radius = sqrt(mul(constant(-2), log(sub(constant(1), u))));
  return mul(radius, cos(mul(constant(2 * Math.PI), v)));
}

/** 1 with probability p, else 0; u8. */
export function bernoulli(shape: Shape, p: number, source: RandomSource): Node {
  return lt(uniform(shape, source), constant(p));
}
