// Adam where its numbers are delicate, and what it keeps; beside PyTorch it is held by
// test/golden/optim.test.ts.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openVerified, verified } from "../../test/conformance/verified.js";
import { planOf, writers } from "../../test/programs.js";
import { compile, nn, openReference, optim, setBackend, tensor } from "../index.js";

const states = (optimizer: optim.Optimizer) => new Map(optimizer.states());

describe.each(["reference", "native"] as const)(
  "the first step after t − 1 others, on %s",
  (name) => {
    const backend = openVerified(name);
    afterAll(() => (typeof backend === "string" ? undefined : backend.close()));

    // 2²⁴ is where f32 stops counting
    it.for([1, 2, 3, 10, 100, 1e4, 1e6, 2 ** 24])("t = %d", async (t, { skip }) => {
      if (typeof backend === "string") return skip(backend);
      setBackend(backend);
      const p = new nn.Parameter(tensor([0]), "p");
      const adam = new optim.Adam([p], { lr: 1, eps: 0 });
      states(adam)
        .get("step")!
        .set(tensor([t - 1]));
      await compile(() => {
        p.sum().backward();
        adam.step();
      })();
      const [m, v] = [(1 - 0.9) / (1 - 0.9 ** t), (1 - 0.999) / (1 - 0.999 ** t)];
      const wanted = -m / Math.sqrt(v);
      // some ten roundings; 1 − 0.999ᵗ computed as it is written would be off by 6e-6 at t = 1
      expect(Math.abs((await p.item()) / wanted - 1)).toBeLessThan(6e-7);
    });
  },
);

describe("Adam", () => {
  const backend = verified(openReference());
  beforeAll(() => setBackend(backend));
  afterAll(() => backend.close());

  const parameter = (values: number[], name = "p") => new nn.Parameter(tensor(values), name);

  const descent = (p: nn.Parameter, optimizer: optim.Optimizer) =>
    compile(() => {
      optimizer.zeroGrad();
      p.square().sum().backward();
      optimizer.step();
    });

  it("updates each parameter in one pass over it", () => {
    const p = parameter([1, 2]);
    const adam = new optim.Adam([p]);
    const plan = planOf(() => {
      p.square().sum().backward();
      adam.step();
      return [];
    });
    const [call, ...others] = writers(plan, p.state);
    expect(others).toEqual([]);
    expect(writers(plan, states(adam).get("0.exp_avg")!.state)).toEqual([call]);
    expect(writers(plan, states(adam).get("0.exp_avg_sq")!.state)).toEqual([call]);
    // the other one is for what is the same for all parameters: step count, both corrections
    expect(plan.program.calls.length).toBe(2);
  });

  it.each([
    ["Adam", optim.Adam],
    ["AdamW", optim.AdamW],
  ] as const)("%s goes on from saved values bit by bit", async (_, Kind) => {
    const make = (values: number[]) => {
      const p = parameter(values);
      const optimizer = new Kind([p], { lr: 0.1, weightDecay: 0.1 });
      return { p, optimizer, step: descent(p, optimizer) };
    };
    const whole = make([1, -2]);
    for (let i = 0; i < 3; i++) await whole.step();
    const resumed = make((await whole.p.tolist()) as number[]);
    for (const [name, buffer] of whole.optimizer.states())
      states(resumed.optimizer)
        .get(name)!
        .set(tensor((await buffer.tolist()) as number[]));
    for (const { step } of [whole, resumed]) for (let i = 0; i < 3; i++) await step();
    expect(await resumed.p.tolist()).toEqual(await whole.p.tolist());
  });

  it("names what it keeps as PyTorch does", () => {
    const adam = new optim.Adam([parameter([1]), parameter([2])]);
    expect([...states(adam).keys()]).toEqual([
      "step",
      "0.exp_avg",
      "0.exp_avg_sq",
      "1.exp_avg",
      "1.exp_avg_sq",
    ]);
    const sgd = new optim.SGD([parameter([1])], { lr: 1, momentum: 0.9 });
    expect([...states(sgd).keys()]).toEqual(["0.momentum_buffer"]);
    expect([...states(new optim.SGD([parameter([1])], { lr: 1 })).keys()]).toEqual([]);
  });

  it("leaves alone what has no gradient, also its count of steps", async () => {
    const [p, q] = [parameter([1], "p"), parameter([1], "q")];
    const adamW = new optim.AdamW([p, q], { lr: 0.5 });
    const step = compile(() => {
      adamW.zeroGrad();
      p.add(q).sum().backward();
      adamW.step();
    });
    q.requiresGrad = false;
    await step();
    expect(await q.item()).toBe(1);
    expect(await states(adamW).get("step")!.tolist()).toEqual([1, 0]);
    q.requiresGrad = true;
    await step();
    expect(await states(adamW).get("step")!.tolist()).toEqual([2, 1]);
    p.requiresGrad = false;
    q.requiresGrad = false;
    await compile(() => adamW.step())(); // no gradients at all
    expect(await states(adamW).get("step")!.tolist()).toEqual([2, 1]);
  });

  it("steps twice in one recording as in two runs of one", async () => {
    const [one, two] = [parameter([3]), parameter([3])];
    const [a, b] = [new optim.Adam([one], { lr: 0.1 }), new optim.Adam([two], { lr: 0.1 })];
    await compile(() => {
      for (let i = 0; i < 2; i++) {
        a.zeroGrad();
        one.square().sum().backward();
        a.step();
      }
    })();
    const step = descent(two, b);
    await step();
    await step();
    expect(await one.item()).toBe(await two.item());
  });

  it("follows a schedule and new options in the plans that it has or needs", async () => {
    const p = parameter([0]);
    const adam = new optim.Adam([p], { lr: 1, eps: 0 });
    let recorded = 0;
    const step = compile(() => {
      recorded++;
      adam.zeroGrad();
      p.sum().backward();
      adam.step();
    });
    await step(); // a constant gradient: each step is lr long
    adam.lr = 0.5;
    await step();
    expect(await p.item()).toBeCloseTo(-1.5, 5);
    expect(recorded).toBe(1);
    adam.betas = [0.5, 0.999];
    await step();
    expect(recorded).toBe(2);
  });

  it.each<[string, optim.AdamOptions, new (p: nn.Parameter[], o: optim.AdamOptions) => optim.Adam]>(
    [
      ["Adam: lr must be a number ≥ 0, got -1", { lr: -1 }, optim.Adam],
      ["Adam: betas[0] must be a number ≥ 0 and < 1, got 1", { betas: [1, 0.9] }, optim.Adam],
      [
        "Adam: betas[1] must be a number ≥ 0 and < 1, got NaN",
        { betas: [0, Number.NaN] },
        optim.Adam,
      ],
      ["AdamW: eps must be a number ≥ 0, got -1e-8", { eps: -1e-8 }, optim.AdamW],
      ["AdamW: weightDecay must be a number ≥ 0, got -1", { weightDecay: -1 }, optim.AdamW],
    ],
  )("%s", (message, options, Kind) => {
    expect(() => new Kind([parameter([1])], options)).toThrow(message);
  });
});
