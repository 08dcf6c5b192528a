// Compiled functions: when they plan anew and when not, what they copy and own, what they refuse.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verified } from "../test/conformance/verified.js";
import {
  type Backend,
  compile,
  fromTypedArray,
  manualSeed,
  nn,
  noGrad,
  openReference,
  optim,
  randn,
  setBackend,
  type Tensor,
  tensor,
  zeros,
} from "./index.js";

const F = nn.functional;
let backend: Backend;
let plans = 0;

beforeAll(() => {
  backend = verified(openReference());
  const load = backend.load.bind(backend);
  backend.load = (program) => {
    plans++;
    return load(program);
  };
  setBackend(backend);
});
afterAll(() => backend.close());

/** How many plans are made while `run` runs. */
async function planned(run: () => Promise<unknown>): Promise<number> {
  const before = plans;
  await run();
  return plans - before;
}

const parameter = (values: number[], name = "p") => new nn.Parameter(tensor(values), name);

it("refuses to keep less than one plan", () => {
  expect(() => compile((x: Tensor) => x, { plans: 0 })).toThrow(
    "compile: plans must be a whole number ≥ 1, got 0",
  );
});

describe("a plan is made once for each", () => {
  it("combination of shapes and dtypes", async () => {
    let recorded = 0;
    const twice = compile((x: Tensor) => {
      recorded++;
      return x.mul(2);
    });
    for (const x of [zeros([2]), zeros([3]), zeros([2]), zeros([2], "i32"), zeros([3])])
      await twice(tensor((await x.data()).slice(), x.shape));
    expect(recorded).toBe(3);
    // the last, smaller batch, and a batch of nothing
    const sums = await Promise.all([4, 4, 1, 0].map((n) => twice(zeros([n, 3]))));
    expect(sums.map((y) => y.shape)).toEqual([
      [4, 3],
      [4, 3],
      [1, 3],
      [0, 3],
    ]);
  });

  it("mode of the network, and what is frozen", async () => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.Dropout(0.5));
    const [layer] = [...net] as [nn.Linear];
    const step = compile((x: Tensor) => {
      const loss = net(x).sum();
      loss.backward();
      return { loss, grad: layer.weight.grad };
    });
    const x = tensor([[1, 2]]);
    await step(x);
    expect(await planned(() => step(x))).toBe(0);
    net.eval();
    expect(await planned(() => step(x))).toBe(1);
    net.train();
    expect(await planned(() => step(x))).toBe(0);
    layer.weight.requiresGrad = false;
    const { grad } = await step(x);
    expect(grad).toBeUndefined();
    layer.weight.requiresGrad = true;
    expect((await step(x)).grad).toBeDefined();
  });

  it("structure of the optimizer, but not for each learning rate", async () => {
    const p = parameter([1]);
    const sgd = new optim.SGD([p], { lr: 0.5 });
    const step = compile(() => {
      sgd.zeroGrad();
      p.mul(3).sum().backward();
      sgd.step();
    });
    await step();
    expect(await p.item()).toBe(-0.5);
    sgd.lr = 1;
    expect(await planned(() => step())).toBe(0);
    expect(await p.item()).toBe(-3.5);
    sgd.momentum = 0.5;
    expect(await planned(() => step())).toBeGreaterThan(0);
    expect(await p.item()).toBe(-6.5);
    await step(); // v = 0.5 · 3 + 3
    expect(await p.item()).toBe(-11);
  });

  it("whether gradients are off at the call", async () => {
    const p = parameter([3]);
    const step = compile(() => {
      p.mul(p).sum().backward();
      return p.grad;
    });
    expect(await noGrad(() => step())).toBeUndefined();
    expect(await (await step())!.item()).toBe(6);
  });

  it("backend", async () => {
    const p = parameter([1]);
    const step = compile(() => p.set(p.add(1)));
    await step();
    const other = verified(openReference());
    setBackend(other);
    await step();
    expect(await p.item()).toBe(3);
    setBackend(backend);
    await step();
    expect(await p.item()).toBe(4);
    await other.close();
  });

  it("and the least recently used one goes first", async () => {
    const recorded: number[] = [];
    const f = compile(
      (x: Tensor) => {
        recorded.push(x.shape[0]!);
        return x.neg();
      },
      { plans: 2 },
    );
    for (const n of [1, 2, 1, 3, 1, 2]) await f(zeros([n]));
    expect(recorded).toEqual([1, 2, 3, 2]);
  });

  it("but not before the calls that still wait for it", async () => {
    const sum = compile((x: Tensor) => x.sum(0), { plans: 1 });
    const lazy = tensor([1]).mul(2);
    const calls = [1, 2, 3, 1].map((n) => sum(lazy.expand(n)));
    sum.dispose();
    const sums = await Promise.all(calls);
    expect(await Promise.all(sums.map((y) => y.item()))).toEqual([2, 4, 6, 2]);
  });
});

describe("arguments and results", () => {
  it("inputs are copied at the call", async () => {
    const double = compile((x: Tensor, y: Tensor) => x.mul(2).add(y));
    const data = Float32Array.of(1, 2);
    const now = double(fromTypedArray(data, [2]), zeros([2]));
    data.fill(9);
    // also where another argument must first be computed
    const again = Float32Array.of(3, 4);
    const later = double(fromTypedArray(again, [2]), tensor([1, 1]).exp().mul(0));
    again.fill(9);
    expect(await (await now).tolist()).toEqual([2, 4]);
    expect(await (await later).tolist()).toEqual([6, 8]);
  });

  it("results own their memory", async () => {
    const double = compile((x: Tensor) => x.mul(2));
    const first = await double(tensor([1]));
    const second = await double(tensor([5]));
    double.dispose();
    expect([await first.item(), await second.item()]).toEqual([2, 10]);
    const data = await first.data();
    data.fill(0);
    expect(await first.item()).toBe(2);
  });

  it("a result can be the argument of the next call, without a copy by hand", async () => {
    const next = compile((x: Tensor) => x.add(1));
    let x = tensor([0]);
    for (let i = 0; i < 5; i++) x = await next(x);
    expect(await x.item()).toBe(5);
    const other = verified(openReference());
    setBackend(other);
    expect(await (await next(x)).item()).toBe(6);
    expect(await x.mul(2).item()).toBe(10);
    // what another backend holds: behind an argument, in the function, and as a parameter's values
    expect(await (await next(x.mul(3))).item()).toBe(16);
    const scaled = compile((y: Tensor) => y.mul(x));
    expect(await (await scaled(tensor([2]))).item()).toBe(10);
    const p = new nn.Parameter(x.add(2), "p");
    const grow = compile(() => p.set(p.add(x)));
    await Promise.all([grow(), grow()]);
    expect(await p.item()).toBe(17);
    setBackend(backend);
    await other.close();
  });

  it("returns what the function returned, with tensors in the places of tensors", async () => {
    const f = compile((x: Tensor) => ({ a: x, b: [x.mul(2), { c: x.sum() }], none: undefined, x }));
    const { a, b, none, x } = await f(tensor([1, 2]));
    const [doubled, { c }] = b as [Tensor, { c: Tensor }];
    expect(none).toBeUndefined();
    expect(await Promise.all([a, doubled, c, x].map((t) => t.tolist()))).toEqual([
      [1, 2],
      [2, 4],
      3,
      [1, 2],
    ]);
  });

  it("returns constants, arguments and parameters themselves", async () => {
    const p = parameter([4]);
    const f = compile((x: Tensor) => [zeros([2]), x, p, tensor([7])]);
    const results = await f(tensor([1]));
    expect(await Promise.all(results.map((t) => t.tolist()))).toEqual([[0, 0], [1], [4], [7]]);
  });

  it("overlapping calls run in the order in which they were made", async () => {
    manualSeed(1);
    const p = new nn.Parameter(randn([1]), "p"); // its values are yet to be computed
    const append = compile((x: Tensor) => {
      p.set(p.mul(10).add(x));
      return p;
    });
    const reset = compile((x: Tensor) => p.set(x));
    const lazy = tensor([1]).add(1); // must be computed before its call can start
    const all = [reset(tensor([1])), append(lazy), append(tensor([3])), append(lazy.mul(2))];
    const read = p.item();
    const later = append(tensor([5]));
    await Promise.all(all);
    expect(await read).toBe(1234);
    expect(await (await later).item()).toBe(12345);
  });

  it("what a step reads from outside is what it was at the call", async () => {
    const p = parameter([0]);
    const sgd = new optim.SGD([p], { lr: 1 });
    const step = compile((x: Tensor) => {
      p.mul(x).sum().backward();
      sgd.step();
    });
    const waits = step(tensor([1]).mul(2));
    sgd.lr = 100;
    await waits;
    expect(await p.item()).toBe(-2);
  });

  it("values set behind a call that waits are not what it sees", async () => {
    const p = parameter([1]);
    const step = compile((x: Tensor) => {
      p.set(p.add(x));
      return p;
    });
    const first = step(tensor([1]).mul(10));
    p.set(tensor([5]));
    const second = step(tensor([1]).mul(100));
    expect(await (await first).item()).toBe(11);
    expect(await (await second).item()).toBe(105);
    expect(await p.item()).toBe(105);
  });

  it("an argument that fails behind a call that waits is reported once", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", listen);
    const p = parameter([1]);
    const stale = p.mul(2);
    p.set(tensor([2]));
    const next = compile((x: Tensor) => x.add(1));
    const read = backend.read.bind(backend);
    backend.read = (buffer) => new Promise((resolve) => setTimeout(() => resolve(read(buffer)), 5));
    const waits = next(tensor([1]).add(1));
    await expect(next(stale)).rejects.toThrow(/has changed since/);
    await waits;
    backend.read = read;
    await new Promise((resolve) => setTimeout(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  it("a failing run does not hinder the next", async () => {
    const loss = compile((x: Tensor, y: Tensor) => F.crossEntropy(x, y));
    const logits = zeros([1, 2]);
    const bad = loss(logits, tensor(Int32Array.of(7)));
    const good = loss(logits, tensor(Int32Array.of(1)));
    await expect(bad).rejects.toThrow(/7/);
    expect(await (await good).item()).toBeCloseTo(Math.LN2, 6);
  });
});
