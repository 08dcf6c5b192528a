// The same seed gives the same bytes: from run to run, and with any number of threads.

import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import {
  type Backend,
  compile,
  lenet,
  manualSeed,
  nn,
  openReference,
  optim,
  setBackend,
  type Tensor,
  zeros,
} from "../src/index.js";
import { openVerified, verified } from "./conformance/verified.js";
import { batch } from "./golden/formula.js";

const F = nn.functional;

/** lenet as it is, and one with everything whose order or randomness could vary. */
const networks: Record<string, () => nn.Module> = {
  lenet: () => lenet(),
  "ReLU, max pooling, dropout, momentum": () =>
    new nn.Sequential(
      new nn.Conv2d(1, 12, 5, { padding: 2 }),
      new nn.ReLU(),
      new nn.MaxPool2d(3, { stride: 2 }),
      new nn.Dropout(0.2),
      new nn.Conv2d(12, 20, 3, { groups: 2, dilation: 2 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(320, 60),
      new nn.ReLU(),
      new nn.Dropout(0.5),
      new nn.Linear(60, 10),
    ),
  // channels enough for plans to take other algorithms than the direct one
  "convolutions of 3×3 and 5×5": () =>
    new nn.Sequential(
      new nn.Conv2d(1, 32, 5, { stride: 2, padding: 2 }),
      new nn.ReLU(),
      new nn.Conv2d(32, 64, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.Conv2d(64, 32, 5, { padding: 2 }),
      new nn.ReLU(),
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
      new nn.Linear(32, 10),
    ),
};

const size = 24;

/** Adam's many roundings, and a norm that is one sum over all gradients, beside plain descent. */
const descents = ["SGD", "AdamW, clipped"] as const;
type Descent = (typeof descents)[number];

/** Steps from a seed; a digest of all weights. */
async function train(
  network: string,
  descent: Descent,
  backend: Backend,
  { seed = 3, steps = 10 } = {},
): Promise<string> {
  setBackend(backend);
  manualSeed(seed);
  const net = networks[network]!();
  nn.init.initXavier(net);
  const optimizer =
    descent === "SGD"
      ? new optim.SGD(net.parameters(), { lr: 0.05, momentum: 0.9 })
      : new optim.AdamW(net.parameters(), { lr: 0.002 });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = F.crossEntropy(net(x), y);
    optimizer.zeroGrad();
    loss.backward();
    if (descent !== "SGD") optim.clipGradNorm(net.parameters(), 0.5);
    optimizer.step();
    return loss;
  });
  for (let i = 0; i < steps; i++) await step(...(await batch(i, size, 28)));
  step.dispose();
  const digest = createHash("sha256");
  for (const parameter of net.parameters()) digest.update(await parameter.data());
  return digest.digest("hex");
}

const reference = verified(openReference());
const natives = [1, 2, 3].map((threads) => openVerified("native", { threads }));
afterAll(async () => {
  for (const backend of [reference, ...natives])
    if (typeof backend !== "string") await backend.close();
});

describe.each(Object.keys(networks))("trained weights of %s", (network) => {
  // the reference would take minutes for what has many channels
  if (network !== "convolutions of 3×3 and 5×5") {
    it("are the same from run to run on the reference backend", async () => {
      const first = await train(network, "SGD", reference, { steps: 3 });
      expect(await train(network, "SGD", reference, { steps: 3 })).toBe(first);
      expect(await train(network, "SGD", reference, { steps: 3, seed: 4 })).not.toBe(first);
    });
  }

  it.for(descents)(
    "are the same from run to run and with 1, 2 and 3 threads on the native one, by %s",
    async (descent, { skip }) => {
      const digests: string[] = [];
      for (const backend of [...natives, natives[1]!]) {
        if (typeof backend === "string") return skip(backend);
        digests.push(await train(network, descent, backend));
      }
      expect(new Set(digests).size, digests.join(" ")).toBe(1);
    },
  );
});

it("the last of these networks is convolved by Winograd, where that is to be had", ({ skip }) => {
  const [backend] = natives;
  if (typeof backend === "string") return skip(backend);
  setBackend(backend!);
  const net = networks["convolutions of 3×3 and 5×5"]!();
  const { calls } = compile((x: Tensor) => net(x)).plan(zeros([size, 1, 28, 28]));
  const algorithms = calls.filter((c) => c.kernel === "conv2d").map((c) => c.algorithm);
  expect(algorithms).toEqual([
    "direct + relu",
    expect.stringMatching(/^winograd/),
    expect.stringMatching(/^winograd/),
  ]);
});
