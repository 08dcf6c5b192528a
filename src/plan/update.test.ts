// Updates of states: in place where the graph allows it, right where it does not.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verified } from "../../test/conformance/verified.js";
import { parameter, planOf, programs, writers } from "../../test/programs.js";
import { compile, nn, openReference, optim, setBackend, Tensor, tensor } from "../index.js";

const backend = verified(openReference());
beforeAll(() => setBackend(backend));
afterAll(() => backend.close());

/** Runs `fn` compiled, a few times. */
async function times(n: number, fn: () => unknown): Promise<(Tensor | undefined)[]> {
  const step = compile(() => {
    const result = fn();
    return result instanceof Tensor ? result : undefined;
  });
  const results: (Tensor | undefined)[] = [];
  for (let i = 0; i < n; i++) results.push(await step());
  return results;
}

describe("an update", () => {
  it("is one program, over the old value", () => {
    const p = parameter([1, 2]);
    const plan = planOf(() => {
      p.set(p.mul(0.5).add(1));
    });
    expect(programs(plan)).toEqual(["mul add"]);
    expect(plan.program.arenaBytes).toBe(0);
    expect(plan.updated).toEqual([p.state]);
  });

  it("comes after all that reads the old value", async () => {
    const p = parameter([1, 2]);
    const [before] = await times(1, () => {
      const old = p.mul(10);
      p.set(p.add(1));
      return old.add(p);
    });
    expect(await p.tolist()).toEqual([2, 3]);
    expect(await before!.tolist()).toEqual([12, 23]);
  });

  it("gives the old value back where that is the result", async () => {
    const p = parameter([1, 2]);
    const step = compile(() => {
      const old = new nn.Buffer(tensor([0, 0]), "old");
      old.set(p);
      const read = old.add(0);
      p.set(p.mul(3));
      return { read, now: p };
    });
    const { read, now } = await step();
    expect([await read.tolist(), await now.tolist()]).toEqual([
      [1, 2],
      [3, 6],
    ]);
  });

  it("of a state by its own transpose, slice or reverse", async () => {
    const p = parameter([
      [1, 2],
      [3, 4],
    ]);
    await times(1, () => p.set(p.T));
    expect(await p.tolist()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    await times(1, () => p.set(p.T.mul(10)));
    expect(await p.tolist()).toEqual([
      [10, 20],
      [30, 40],
    ]);
    await times(1, () => p.set(p.add(p.slice([1, 2]))));
    expect(await p.tolist()).toEqual([
      [40, 60],
      [60, 80],
    ]);
    await times(1, () => p.set(p.slice([0, 1]).expand(2, 2)));
    expect(await p.tolist()).toEqual([
      [40, 60],
      [40, 60],
    ]);
  });

  it("of a large state by its transpose: no element is read after it was written", async () => {
    const n = 300;
    const values = Float32Array.from({ length: n * n }, (_, i) => i);
    const p = new nn.Parameter(tensor(values, [n, n]), "p");
    await times(1, () => p.set(p.T));
    const came = await p.data();
    expect(came.every((v, i) => v === (i % n) * n + Math.floor(i / n))).toBe(true);
  });

  it("that swaps two states, or turns three round", async () => {
    const [a, b, c] = [parameter([1]), parameter([2]), parameter([3])];
    const swap = compile(() => {
      const [x, y] = [a.mul(1), b.mul(1)];
      a.set(y);
      b.set(x);
    });
    await swap();
    expect([await a.item(), await b.item()]).toEqual([2, 1]);
    await swap();
    expect([await a.item(), await b.item()]).toEqual([1, 2]);
    await times(1, () => {
      const [x, y, z] = [a.mul(1), b.mul(1), c.mul(1)];
      a.set(y);
      b.set(z);
      c.set(x);
    });
    expect([await a.item(), await b.item(), await c.item()]).toEqual([2, 3, 1]);
  });

  it("of two states by each other, computed", async () => {
    const [a, b] = [parameter([1, 2]), parameter([5, 7])];
    await times(1, () => {
      const sum = a.add(b);
      const difference = a.sub(b);
      a.set(sum);
      b.set(difference);
    });
    expect([await a.tolist(), await b.tolist()]).toEqual([
      [6, 9],
      [-4, -5],
    ]);
  });

  it("of two states by the same value", async () => {
    const [a, b] = [parameter([1]), parameter([2])];
    await times(1, () => {
      const sum = a.add(b);
      a.set(sum);
      b.set(sum);
      return sum;
    });
    expect([await a.item(), await b.item()]).toEqual([3, 3]);
  });

  it("twice in one recording: the last one stays, and each sees the one before", async () => {
    const p = parameter([1]);
    await times(1, () => {
      p.set(p.add(1));
      p.set(p.mul(10));
    });
    expect(await p.item()).toBe(20);
  });

  it("by itself changes nothing", async () => {
    const p = parameter([1, 2]);
    await times(2, () => p.set(p));
    expect(await p.tolist()).toEqual([1, 2]);
  });

  it("by a number or by data", async () => {
    const p = parameter([1, 2]);
    await times(1, () => p.set(tensor([7, 8])));
    expect(await p.tolist()).toEqual([7, 8]);
    await times(1, () => p.set(p.mul(0)));
    expect(await p.tolist()).toEqual([0, 0]);
  });
});

describe("optimizers", () => {
  it("update each parameter as soon as nothing needs it any more", () => {
    const layers = [0, 1, 2].map(() => new nn.Linear(16, 16, { bias: false }));
    const net = new nn.Sequential(...layers);
    const optimizer = new optim.SGD(net.parameters(), { lr: 0.1 });
    const plan = planOf(() => {
      net(tensor(new Float32Array(64), [4, 16]))
        .square()
        .sum()
        .backward();
      optimizer.step();
    });
    const order = layers.map((l) => plan.program.calls.indexOf(writers(plan, l.weight.state)[0]!));
    // the last layer first, and the others not before its gradient is free again
    expect(order[2]!).toBeLessThan(order[1]!);
    expect(order[1]!).toBeLessThan(order[0]!);
    const gradient = 16 * 16 * 4;
    // at no time do all three gradients live: two at most, beside small activations
    expect(plan.program.arenaBytes).toBeLessThan(2 * gradient + 8 * 256);
  });

  it("with momentum: velocity and parameter, in place", async () => {
    const p = parameter([1, -2]);
    const sgd = new optim.SGD([p], { lr: 0.5, momentum: 0.9 });
    await times(3, () => {
      sgd.zeroGrad();
      p.square().sum().backward();
      sgd.step();
    });
    let [x, v] = [1, 0];
    for (let i = 0; i < 3; i++) {
      v = 0.9 * v + 2 * x;
      x -= 0.5 * v;
    }
    const [first] = (await p.tolist()) as number[];
    expect(first).toBeCloseTo(x, 5);
  });

  it("an average of weights follows the new ones", async () => {
    const p = parameter([0]);
    const average = new nn.Buffer(tensor([0]), "average");
    await times(2, () => {
      p.set(p.add(1));
      average.set(average.mul(0.5).add(p.mul(0.5)));
    });
    expect([await p.item(), await average.item()]).toEqual([2, 1.25]);
  });

  it("two steps in one recording see each other", async () => {
    const [one, two] = [parameter([3]), parameter([3])];
    const [a, b] = [new optim.SGD([one], { lr: 0.1 }), new optim.SGD([two], { lr: 0.1 })];
    const descend = (p: nn.Parameter, sgd: optim.SGD) => {
      sgd.zeroGrad();
      p.square().sum().backward();
      sgd.step();
    };
    await times(1, () => {
      descend(one, a);
      descend(one, a);
    });
    await times(2, () => descend(two, b));
    expect(await one.item()).toBe(await two.item());
  });

  it("a second loss sees the first one's update as a constant", async () => {
    const [g, d] = [parameter([2]), parameter([3])];
    const [forG, forD] = [new optim.SGD([g], { lr: 1 }), new optim.SGD([d], { lr: 1 })];
    const [grad] = await times(1, () => {
      d.mul(d).mul(g).sum().backward(); // dd = 2·d·g = 12
      forD.step(); // d = −9
      forG.zeroGrad();
      d.mul(g).sum().backward(); // dg = d
      return g.grad;
    });
    expect(await grad!.item()).toBe(-9);
  });
});
