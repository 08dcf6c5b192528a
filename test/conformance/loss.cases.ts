// Cross-entropy and its gradient: small and large logits, any layout.

import fc from "fast-check";
import { CaseBuilder, type Draw, unit } from "./build.js";
import { type Layout, layouts, rowMajor } from "./layout.js";
import { seeds, suite } from "./suite.js";

interface Spec {
  readonly rows: number;
  readonly classes: number;
  readonly scale: number;
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
 * A softmax is exp(l − max)/S or exp(l − max − log S): a number of at most 1 that is relatively off
 * by twice the above (numerator and denominator), then two more roundings, times |g| ≤ 1.
 */
function gradientError(spec: Spec): number {
  return 2 * lossError(spec) + 4 * unit;
}

function common(spec: Spec) {
  const { rows, classes, scale } = spec;
  const build = new CaseBuilder(spec.seed);
  const logit: Draw = (random) => scale * random.signed();
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
    return build.within(call, { factor: 0, floor: gradientError(spec) });
  }),
];
