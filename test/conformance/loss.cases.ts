// Cross-entropy and its gradient: small and large logits, any layout.

import fc from "fast-check";
import type { CrossEntropyGradCall, Operand } from "../../src/backends/kernels.js";
import { CaseBuilder, type Draw, smallest, unit } from "./build.js";
import { type Layout, layouts, rowMajor } from "./layout.js";
import { seeds, suite } from "./suite.js";

interface Spec {
  readonly rows: number;
  readonly classes: number;
  readonly scale: number;
  /** Whether some logits are −∞ (a masked class) or NaN. */
  readonly odd: boolean;
  readonly logits: Layout;
  readonly target: Layout;
  readonly loss: Layout;
  readonly glogits: Layout;
  readonly seed: number;
}

const matrixOrders = [
  [0, 1],
  [1, 0],
] as const;

const specs: fc.Arbitrary<Spec> = fc.record({
  rows: fc.nat(20),
  classes: fc.integer({ min: 1, max: 40 }),
  scale: fc.constantFrom(0, 1, 30, 500),
  odd: fc.nat(4).map((n) => n === 4),
  logits: layouts(matrixOrders, true),
  target: layouts([[0]], true),
  loss: layouts([[0]], false),
  glogits: layouts(matrixOrders, false),
  seed: seeds,
});
const always: Spec[] = [
  [256, 10],
  [3, 1000],
  [1, 1],
].map(([rows, classes]) => ({
  rows: rows!,
  classes: classes!,
  scale: 5,
  odd: false,
  logits: rowMajor(2),
  target: rowMajor(1),
  loss: rowMajor(1),
  glogits: rowMajor(2),
  seed: classes!,
}));

/**
 * With |logits| ≤ s and u the unit roundoff: l − max is off by 2s·u, so exp(l − max) relatively by
 * (2s + 8)·u (an exp of 4 ulp); their sum S by that and classes·u; log S absolutely by that and
 * 8u·log S; and max + log S − logit loses (3s + log S)·u twice. In all less than this.
 */
function lossError({ classes, scale }: Spec): number {
  return unit * (8 * scale + 8 + classes + 10 * Math.log(classes));
}

/**
 * A softmax p is exp(l − max)/S, relatively off by (2s + 8)·u and (2s + 8 + classes)·u and a
 * division; or exp(l − max − log S), off by the error of log S as above, two roundings of
 * (2s + log S)·u, and an exp. Both are less than this.
 */
function softmaxError({ classes, scale }: Spec): number {
  return unit * (6 * scale + 18 + classes + 10 * Math.log(classes));
}

/** g·(p − [c = target]) rounds the difference and the product. */
function gradientErrors(spec: Spec, call: CrossEntropyGradCall, build: CaseBuilder) {
  const at = (operand: Operand, ...index: number[]) =>
    operand.offset + index.reduce((sum, i, d) => sum + i * operand.strides[d]!, 0);
  const element = (operand: Operand, ...index: number[]) =>
    build.buffers[operand.buffer]![at(operand, ...index)]!;
  const errors = build.buffers.map((data) => new Float64Array(data.length));
  for (let r = 0; r < call.rows; r++) {
    const logits = Array.from({ length: call.classes }, (_, c) => element(call.logits, r, c));
    const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
    logits.forEach((logit, c) => {
      const p = Math.exp(logit) / sum;
      const difference = Math.abs(p - (c === element(call.target, r) ? 1 : 0));
      errors[call.glogits.buffer]![at(call.glogits, r, c)] =
        Math.abs(element(call.g, r)) * (softmaxError(spec) * p + 3 * unit * difference);
    });
  }
  return errors;
}

function common(spec: Spec) {
  const { rows, classes, scale } = spec;
  const build = new CaseBuilder(spec.seed);
  const logit: Draw = (random) =>
    spec.odd && random.below(12) === 0
      ? random.pick([-Infinity, -Infinity, NaN])
      : scale * random.signed();
  const logits = build.source([rows, classes], spec.logits, logit);
  const target = build.source([rows], spec.target, (random) => random.below(classes), "i32");
  return { build, rows, classes, logits, target };
}

export const lossSuites = [
  suite("crossEntropy", specs, always, (spec) => {
    const { build, ...operands } = common(spec);
    const loss = build.result([spec.rows], spec.loss);
    const call = { kernel: "crossEntropy" as const, ...operands, loss };
    return build.within(call, { factor: 0, floor: lossError(spec) });
  }),
  suite("crossEntropyGrad", specs, always, (spec) => {
    const { build, ...operands } = common(spec);
    const g = build.source([spec.rows], spec.target, (random) => random.signed());
    const glogits = build.result([spec.rows, spec.classes], spec.glogits);
    const call = { kernel: "crossEntropyGrad" as const, ...operands, g, glogits };
    return build.within(call, {
      factor: 1,
      floor: smallest,
      of: gradientErrors(spec, call, build),
    });
  }),
];
