// Fusions change no values: a training step that hands out everything in between, so that little of it can be
// fused, changes parameters as one that hands out nothing. Layers here share weights, a bias and activations.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verified } from "../../test/conformance/verified.js";
import {
  cat,
  compile,
  manualSeed,
  nn,
  openReference,
  optim,
  randn,
  setBackend,
  type Tensor,
} from "../index.js";

const F = nn.functional;
const backend = verified(openReference({ precision: "f64" }));
beforeAll(() => setBackend(backend));
afterAll(() => backend.close());

const shapes = {
  filter: [3, 3, 3, 3],
  other: [3, 3, 3, 3],
  bias: [3],
  weight: [48, 48],
  shift: [48],
} as const;
type Parameters = Record<keyof typeof shapes, nn.Parameter>;

/** Remembers a value of a step as one of its results, or does not. */
type Keep = (name: string, value: Tensor) => Tensor;

/** Convolutions and products that share what they are made of; x [4, 3, 4, 4]. */
function lossOf(x: Tensor, p: Parameters, isJoined: boolean, keep: Keep): Tensor {
  const conv = (input: Tensor, filter: Tensor, bias?: Tensor) =>
    F.conv2d(input, filter, bias, { padding: 1 });
  const first = keep("first", conv(x, p.filter, p.bias));
  const active = keep("active", first.relu());
  const second = keep("second", conv(active, p.filter, p.bias));
  // of one value two ReLUs, and of one gradient the sums for two biases that are the same
  const third = keep("third", conv(first.add(1).relu(), p.other, p.bias));
  const maps = isJoined
    ? cat([second.relu(), third.relu()], 1).slice([0], [1, 4])
    : second.add(third).relu();
  const flat = keep("flat", maps.reshape([4, 48]));
  const hidden = keep("hidden", flat.matmul(p.weight).add(p.shift).relu());
  const output = keep("output", hidden.matmul(p.weight.T).add(p.shift));
  return output.square().mean().add(active.mean());
}

async function train(
  make: (parameters: nn.Parameter[]) => optim.Optimizer,
  { isJoined, isTwice, keepsAll }: { isJoined: boolean; isTwice: boolean; keepsAll: boolean },
): Promise<number[]> {
  manualSeed(3);
  const made = Object.entries(shapes).map(
    ([name, shape]) => [name, new nn.Parameter(randn(shape).mul(0.2), name)] as const,
  );
  const parameters = Object.fromEntries(made) as Parameters;
  const all = Object.values(parameters);
  const optimizer = make(all);
  const step = compile((x: Tensor) => {
    const results: Record<string, Tensor> = {};
    const keep: Keep = (name, value) => {
      if (keepsAll) results[name] = value;
      return value;
    };
    for (const time of isTwice ? ["once", "again"] : ["once"]) {
      const loss = lossOf(x, parameters, isJoined, (name, value) => keep(`${name} ${time}`, value));
      optimizer.zeroGrad();
      loss.backward();
      for (const [name, p] of made) keep(`${name} ${time}`, p.grad!);
      optimizer.step();
      results[time] = loss;
    }
    return results;
  });
  const x = randn([4, 3, 4, 4]);
  for (let i = 0; i < 3; i++) await step(x);
  const values = await Promise.all(all.map((p) => p.data()));
  return values.flatMap((v) => [...v]);
}

describe.each([
  ["SGD", (p: nn.Parameter[]) => new optim.SGD(p, { lr: 0.05 })],
  [
    "SGD with momentum",
    (p: nn.Parameter[]) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, weightDecay: 0.01 }),
  ],
  ["AdamW", (p: nn.Parameter[]) => new optim.AdamW(p, { lr: 0.01 })],
])("fused steps of %s", (_, make) => {
  it.each([
    { isJoined: false, isTwice: false },
    { isJoined: true, isTwice: false },
    { isJoined: false, isTwice: true },
  ])("change shared parameters as others do: %o", async (how) => {
    const fused = await train(make, { ...how, keepsAll: false });
    const apart = await train(make, { ...how, keepsAll: true });
    const most = Math.max(...fused.map((v, i) => Math.abs(v - apart[i]!)));
    // computed in double precision; rounded to single where they are read
    expect(most).toBeLessThanOrEqual(2 ** -22);
  });
});
