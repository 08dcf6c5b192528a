// Every network of the registry beside PyTorch: the same weights, images and steps (networks.py). Compared
// are logits, losses, every parameter's first gradient and, under SGD, its change, which a flat loss
// cannot hide; what batch normalization has noted; and the gradients of smooth twins.
//
// Bounds: logits and the first loss 1e-4, later losses 1e-3, gradients 2e-2 and changes 1e-2 in norm; or
// three times the distance between PyTorch with oneDNN and without where that is larger for the same
// parameter (ReLU and max-pool decisions flip on rounding, and more follow from them). Smooth twins, and
// lenet, have no such decisions: gradients agree to 3e-5, about 500 roundings (1e-4 where convolutions are
// Winograd's, which round several times as much: 3e-5 at most was measured), and changes over a few steps to
// 1e-4, or again three times PyTorch's own distance; or to what rounding leaves of changes that are small
// beside their parameter.

import { afterAll, describe, expect, it } from "vitest";
import type { ConvAlgorithm } from "../../src/backends/kernels.js";
import {
  compile,
  fromTypedArray,
  models,
  nn,
  noGrad,
  optim,
  setBackend,
  type Tensor,
} from "../../src/index.js";
import { trainStep } from "../../src/train/steps.js";
import { forced } from "../conformance/forced.js";
import { openVerified } from "../conformance/verified.js";
import { batch, decode, type Filled, fill, norm, sample, smooth } from "./formula.js";
import golden from "./networks.golden.json" with { type: "json" };

interface Values {
  readonly name: string;
  readonly grad: string;
  readonly gradNorm: number;
  readonly gradSpread: number;
  readonly change?: string;
  readonly changeNorm?: number;
  readonly changeSpread?: number;
}
interface Case {
  readonly name: string;
  readonly network: string;
  readonly twin: boolean;
  readonly init: string;
  readonly channels: number;
  readonly classes: number;
  readonly side: number;
  readonly batch: number;
  readonly optimizer: {
    readonly kind: string;
    readonly lr: number;
    readonly momentum?: number;
    readonly weight_decay?: number;
    readonly nesterov?: boolean;
  } | null;
  readonly losses: readonly number[];
  readonly logits: readonly number[];
  readonly parameters?: readonly Values[];
  readonly buffers?: readonly {
    readonly name: string;
    readonly norm: number;
    readonly values: string;
  }[];
  readonly evalLogits?: readonly number[];
  readonly spread: Readonly<Record<"losses" | "logits", number>>;
}
const cases = golden.cases as unknown as Case[];

const winograd = (algorithm: ConvAlgorithm) => {
  const backend = openVerified("native");
  return typeof backend === "string" ? backend : forced(backend, algorithm);
};
const subjects = {
  reference: openVerified("reference"),
  "native, direct": openVerified("native", { convolution: "direct" }),
  native: openVerified("native"),
  "native, winograd6": winograd("winograd6"),
  "native, winograd8": winograd("winograd8"),
};

afterAll(async () => {
  for (const backend of Object.values(subjects))
    if (typeof backend !== "string") await backend.close();
});

it("the cases are of the whole registry", () => {
  expect(new Set(cases.map(({ network }) => network))).toEqual(new Set(Object.keys(models)));
});

const isSmooth = (c: Case) => c.twin || c.network === "lenet";

const takes: Readonly<Record<keyof typeof subjects, (c: Case) => boolean>> = {
  // the others take the reference backend minutes
  reference: (c) => c.network === "lenet",
  "native, direct": (c) => isSmooth(c),
  native: () => true,
  // wherever it can be, though the plan would choose it for larger batches alone
  "native, winograd6": (c) => c.twin && !c.network.includes("/"),
  "native, winograd8": (c) => c.twin && !c.network.includes("/"),
};

for (const name of Object.keys(subjects) as (keyof typeof subjects)[]) {
  const own = cases.filter(takes[name]);
  describe(`on ${name}`, () => {
    it.for(own)("$name", async (c, { skip }) => {
      const backend = subjects[name];
      if (typeof backend === "string") skip(backend);
      else {
        setBackend(backend);
        const end = c.twin ? smooth() : () => {};
        try {
          await run(c, name === "reference" || name === "native, direct" ? 3e-5 : 1e-4);
        } finally {
          end();
        }
      }
    });
  });
}

/** `near`: how close gradients must be where nothing decides. */
async function run(c: Case, near: number): Promise<void> {
  const net = models[c.network]!.build({
    inChannels: c.channels,
    numClasses: c.classes,
    inputSize: [c.side, c.side],
    dropout: 0,
  });
  const filled = fill(net, c.init);
  const buffers = [...net.stateDict().values()].filter((state) => state instanceof nn.Buffer);
  const before = await Promise.all(buffers.map((buffer) => buffer.data()));
  await compareFirst(c, net, filled, near);
  // the first look counted as a batch
  for (const [i, buffer] of buffers.entries()) buffer.set(fromTypedArray(before[i]!, buffer.shape));
  if (c.optimizer) await compareSteps(c, net, filled);
}

const images = (c: Case, number: number) => batch(number, c.batch, c.side, c.channels);

/** Whether nothing in the network decides, so that rounding stays small. */
async function compareFirst(
  c: Case,
  net: nn.Network,
  filled: readonly Filled[],
  smoothBound: number,
): Promise<void> {
  const forward = compile((x: Tensor, y: Tensor) => {
    const output = net(x);
    const logits = nn.logitsOf(output);
    if (!c.parameters) return { logits, grads: [] };
    lossOf(output, y).backward();
    return { logits, grads: filled.map(({ parameter }) => parameter.grad!) };
  });
  const { logits, grads } = await forward(...(await images(c, 0)));
  forward.dispose();
  const near = Math.max(1e-5, 3 * c.spread.logits);
  expect(near, "bound of logits").toBeLessThanOrEqual(1e-4);
  for (const [i, v] of (await logits.data()).entries())
    expect(Math.abs(v - c.logits[i]!), `logit ${i}`).toBeLessThanOrEqual(near);

  if (!c.parameters) return;
  expect(filled.map(({ name }) => name)).toEqual(c.parameters.map(({ name }) => name));
  for (const [i, p] of c.parameters.entries()) {
    const bound = isSmooth(c) ? smoothBound : Math.max(2e-2, 3 * p.gradSpread);
    agree(`gradient of ${p.name}`, await grads[i]!.data(), p.grad, p.gradNorm, bound);
  }
}

/** As trainStep's: auxiliary logits count too. */
function lossOf(output: nn.Logits, y: Tensor): Tensor {
  const loss = nn.functional.crossEntropy(nn.logitsOf(output), y);
  const auxiliary = "auxiliary" in output ? output.auxiliary : [];
  return auxiliary.reduce(
    (sum, logits) => sum.add(nn.functional.crossEntropy(logits, y).mul(0.3)),
    loss,
  );
}

async function compareSteps(c: Case, net: nn.Network, filled: readonly Filled[]): Promise<void> {
  const step = trainStep(net, makeOptimizer(c, net));
  for (const [i, wanted] of c.losses.entries()) {
    const loss = await (await step(...(await images(c, i)))).loss.item();
    const bound = Math.max(i === 0 ? 1e-4 : 1e-3, 3 * c.spread.losses);
    expect(Math.abs(loss - wanted), `loss of step ${i + 1}`).toBeLessThanOrEqual(bound);
  }
  step.dispose();
  for (const [i, p] of (c.parameters ?? []).entries()) {
    const { parameter, values } = filled[i]!;
    const change = (await parameter.data()) as Float32Array;
    const start = values();
    for (let k = 0; k < change.length; k++) change[k]! -= start[k]!;
    // each step rounds the parameter, here and in PyTorch, however small its change is
    const rounding = (2 * c.losses.length * 2 ** -24 * norm(start)) / p.changeNorm!;
    const bound = Math.max(isSmooth(c) ? 1e-4 : 1e-2, 3 * p.changeSpread!, rounding);
    agree(`change of ${p.name}`, change, p.change!, p.changeNorm!, bound);
  }
  const states = net.stateDict();
  for (const { name, norm, values } of c.buffers ?? [])
    agree(name, await states.get(name)!.data(), values, norm, 3e-5);
  if (c.evalLogits) {
    net.eval();
    const [x] = await images(c, c.losses.length);
    const logits = await nn.logitsOf(noGrad(() => net(x))).data();
    for (const [i, v] of logits.entries())
      expect(Math.abs(v - c.evalLogits[i]!), `logit ${i} in eval mode`).toBeLessThanOrEqual(1e-4);
  }
}

function makeOptimizer({ optimizer }: Case, net: nn.Network): optim.Optimizer {
  const { kind, lr, momentum = 0, weight_decay: weightDecay = 0, nesterov = false } = optimizer!;
  if (kind === "Adam") return new optim.Adam(net.parameters(), { lr });
  return new optim.SGD(net.parameters(), { lr, momentum, weightDecay, nesterov });
}

/** Bounds the relative distance of sampled entries and of norms; what is 0 in PyTorch must be 0. */
function agree(
  what: string,
  data: ArrayLike<number>,
  wanted: string,
  wantedNorm: number,
  bound: number,
): void {
  const entries = decode(wanted);
  if (wantedNorm === 0) {
    expect(norm(data), what).toBe(0);
    return;
  }
  expect(Math.abs(norm(data) / wantedNorm - 1), `norm of ${what}`).toBeLessThanOrEqual(bound);
  // what so many of all entries have of the norm: a sample of a sparse gradient may be nearly empty
  const share = wantedNorm * Math.sqrt(entries.length / data.length);
  const distance = norm(sample(data, golden.samples), entries) / Math.max(norm(entries), share);
  expect(distance, what).toBeLessThanOrEqual(bound);
}
