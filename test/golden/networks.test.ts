// lenet and alexnet beside PyTorch: the same weights, images and steps (networks.py). Compared are the
// losses and each parameter's change, which a flat loss cannot hide, and gradients of smooth twins.
//
// Bounds: losses within 1e-3, changes within 1e-2, or within three times the distance between PyTorch
// with oneDNN and without where that is larger for the same parameter (ReLU and max-pool decisions flip
// on rounding, and more follow from them). Smooth twins, and lenet, have no such decisions: gradients
// agree to 3e-5, about 500 roundings, and changes over five steps to 1e-4.

import { afterAll, describe, expect, it } from "vitest";
import { openNative } from "../../src/backends/native/index.js";
import { BackendError } from "../../src/errors.js";
import {
  type Backend,
  compile,
  models,
  nn,
  openReference,
  optim,
  setBackend,
  type Tensor,
} from "../../src/index.js";
import { verified } from "../conformance/verified.js";
import { batch, decode, distance, fill, norm, sample, smoothTwin } from "./formula.js";
import golden from "./networks.golden.json" with { type: "json" };

interface Case {
  readonly name: string;
  readonly network: string;
  readonly twin: boolean;
  readonly init: string;
  readonly side: number;
  readonly batch: number;
  readonly sgd: { lr?: number; momentum?: number; weight_decay?: number; nesterov?: boolean };
  readonly losses: readonly number[];
  readonly logits: readonly number[];
  readonly parameters: readonly {
    readonly name: string;
    readonly gradNorm: number;
    readonly grad: string;
    readonly changeNorm?: number;
    readonly change?: string;
    readonly changeSpread?: number;
  }[];
  readonly spread: Readonly<Record<"losses" | "logits" | "grads" | "changes", number>>;
}
const cases = golden.cases as Case[];

function backendOrReason(open: () => Backend): Backend | string {
  try {
    return verified(open());
  } catch (error) {
    if (error instanceof BackendError) return error.message;
    throw error;
  }
}

const subjects = {
  reference: backendOrReason(openReference),
  native: backendOrReason(openNative),
};

afterAll(async () => {
  for (const backend of Object.values(subjects))
    if (typeof backend !== "string") await backend.close();
});

/** Bounds the distance of sampled entries; what is 0 in PyTorch must be 0. */
function agree(what: string, came: readonly number[], wanted: Float32Array, bound: number): void {
  if (norm(wanted) === 0) expect(norm(came), what).toBe(0);
  else expect(distance(came, wanted), what).toBeLessThanOrEqual(bound);
}

for (const name of ["reference", "native"] as const) {
  // alexnet takes the reference backend minutes
  const own = cases.filter((c) => name === "native" || c.network === "lenet");
  describe(`on ${name}`, () => {
    it.for(own)("$name", async (c, { skip }) => {
      const backend = subjects[name];
      if (typeof backend === "string") skip(backend);
      else {
        setBackend(backend);
        await run(c);
      }
    });
  });
}

async function run(c: Case): Promise<void> {
  const plain = models[c.network]!.build({ dropout: 0 }) as nn.Sequential;
  const net = c.twin ? smoothTwin(plain) : plain;
  const before = fill(net, c.init);
  const named = [...net.namedParameters()];
  expect(named.map(([name]) => name)).toEqual(c.parameters.map((p) => p.name));

  const forward = compile((x: Tensor, y: Tensor) => {
    const logits = net(x);
    nn.functional.crossEntropy(logits, y).backward();
    return { logits, grads: named.map(([, p]) => p.grad!) };
  });
  const { logits, grads } = await forward(...(await batch(0, c.batch, c.side)));
  forward.dispose();
  const near = Math.max(1e-5, 3 * c.spread.logits);
  (await logits.data()).forEach((v, i) => {
    expect(Math.abs(v - c.logits[i]!), `logit ${i}`).toBeLessThanOrEqual(near);
  });
  // smooth networks agree closely from the first step on; others within their decisions
  const smooth = c.twin || c.network === "lenet";
  for (const [i, p] of c.parameters.entries()) {
    const grad = await grads[i]!.data();
    const bound = smooth ? 3e-5 : Math.max(1e-2, 3 * c.spread.grads);
    agree(`gradient of ${p.name}`, sample(grad, golden.samples), decode(p.grad), bound);
    expect(Math.abs(norm(grad) / p.gradNorm - 1), `its norm`).toBeLessThanOrEqual(bound);
  }

  const { lr, momentum, weight_decay: weightDecay, nesterov } = c.sgd;
  if (lr === undefined) return;
  const optimizer = new optim.SGD(net.parameters(), {
    lr,
    ...(momentum !== undefined && { momentum }),
    ...(weightDecay !== undefined && { weightDecay }),
    ...(nesterov !== undefined && { nesterov }),
  });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.functional.crossEntropy(net(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (const [i, wanted] of c.losses.entries()) {
    const loss = await (await step(...(await batch(i, c.batch, c.side)))).item();
    const bound = Math.max(1e-3, 3 * c.spread.losses);
    expect(Math.abs(loss - wanted), `loss of step ${i + 1}`).toBeLessThanOrEqual(bound);
  }
  for (const [i, p] of c.parameters.entries()) {
    const after = await named[i]![1].data();
    const start = before.get(p.name)!;
    const bound = smooth ? 1e-4 : Math.max(1e-2, 3 * p.changeSpread!);
    const change = after.map((v, k) => v - start[k]!);
    agree(`change of ${p.name}`, sample(change, golden.samples), decode(p.change!), bound);
    expect(Math.abs(norm(change) / p.changeNorm! - 1), "its norm").toBeLessThanOrEqual(bound);
  }
  step.dispose();
}
