// What lasts: parameters read, set, frozen, moved; their gradients; values that have become stale.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verified } from "../test/conformance/verified.js";
import {
  type Backend,
  compile,
  grad,
  nn,
  noGrad,
  openReference,
  optim,
  rand,
  setBackend,
  type Tensor,
  tensor,
} from "./index.js";

let backend: Backend;
beforeAll(() => {
  backend = verified(openReference());
  setBackend(backend);
});
afterAll(() => backend.close());

const parameter = (values: number[], name = "p") => new nn.Parameter(tensor(values), name);
const stale = (name: string) =>
  `data: this tensor was computed from "${name}", which has changed since; read it before the step, or write the expression again`;

describe("values that cannot be computed", () => {
  it("are told of where they are needed, and nowhere else, when they were set from others", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", listen);
    const p = parameter([1, 2]);
    const losses = nn.functional.crossEntropy(p.reshape(1, 2), tensor(Int32Array.of(7)));
    p.set(losses.mul(p));
    const double = compile(() => p.mul(2));
    await expect(p.data()).rejects.toThrow(/7/);
    await expect(double()).rejects.toThrow(/7/);
    p.set(tensor([3, 4]));
    expect(await p.tolist()).toEqual([3, 4]);
    p.set(p.add(1));
    expect(await (await double()).tolist()).toEqual([8, 10]);
    await new Promise((resolve) => setTimeout(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  it("leave what was written before a run that could not begin as it was", async () => {
    const p = parameter([1]);
    await p.data();
    const doubled = p.mul(2);
    const sgd = new optim.SGD([p], { lr: 1 });
    const step = compile((x: Tensor) => {
      p.mul(x).sum().backward();
      sgd.step();
    });
    await step(tensor([0]));
    const written = p.mul(2);
    Object.defineProperty(sgd, "lr", {
      get: () => {
        throw new RangeError("no rate");
      },
    });
    await expect(step(tensor([1]))).rejects.toThrow("no rate");
    expect(await written.item()).toBe(2);
    await expect(doubled.data()).rejects.toThrow(stale("p"));
  });

  it("fail each time they are needed", async () => {
    const losses = nn.functional.crossEntropy(tensor([[1, 2]]), tensor(Int32Array.of(7)), {
      reduction: "none",
    });
    const p = new nn.Parameter(losses, "p");
    await expect(p.data()).rejects.toThrow(/7/);
    await expect(p.data()).rejects.toThrow(/7/);
    p.set(tensor([3]));
    expect(await p.item()).toBe(3);
  });
});

describe("stale tensors", () => {
  it("say so, whether a step or set() has changed what they were computed from", async () => {
    const p = parameter([1], "fc.weight");
    const early = p.mul(2);
    const step = compile(() => p.set(p.add(1)));
    const read = early.item(); // asked for before the step
    const done = step();
    expect(await read).toBe(2);
    await done;
    expect(await early.item()).toBe(2); // has been read: it is known
    const late = p.mul(3);
    const alive = p.mul(4);
    expect(await alive.item()).toBe(8);
    p.set(tensor([5]));
    await expect(late.data()).rejects.toThrow(stale("fc.weight"));
    expect(await p.item()).toBe(5);
  });

  it("are refused by compiled functions too", async () => {
    const p = parameter([1]);
    const doubled = p.mul(2);
    const f = compile((x: Tensor) => x.mul(doubled));
    expect(await (await f(tensor([3]))).item()).toBe(6);
    await compile(() => p.set(p.add(1)))();
    await expect(f(tensor([3]))).rejects.toThrow(stale("p"));
  });
});

describe("set()", () => {
  it("outside compile() takes the values of now", async () => {
    const [a, b] = [parameter([3], "a"), parameter([0], "b")];
    b.set(a);
    a.set(a.mul(10));
    await compile(() => a.set(a.add(1)))();
    expect([await a.item(), await b.item()]).toEqual([31, 3]);
    a.set(a.mul(2));
    a.set(a.mul(2));
    expect(await a.item()).toBe(124);
  });

  it("copies a network's weights for good", async () => {
    const [student, teacher] = [new nn.Linear(2, 1), new nn.Linear(2, 1)];
    teacher.loadStateDict(student.stateDict());
    const before = await student.weight.tolist();
    await compile(() => student.weight.set(student.weight.mul(0)))();
    expect(await teacher.weight.tolist()).toEqual(before);
  });

  it("checks the shape, and converts the dtype", async () => {
    const p = parameter([1, 2]);
    expect(() => p.set(tensor([1]))).toThrow("set p: expects [2], got [1]");
    p.set(tensor(Int32Array.of(3, 4)));
    expect(p.dtype).toBe("f32");
    expect(await p.tolist()).toEqual([3, 4]);
  });

  it("makes a new buffer of what another state is now", async () => {
    const p = parameter([1]);
    const average = new nn.Buffer(p.mul(2), "average");
    await compile(() => p.set(p.add(1)))();
    expect(await average.item()).toBe(2);
  });
});

describe("gradients", () => {
  it("of parameters outside compile()", async () => {
    const p = parameter([3, -1]);
    const [g] = grad(p.mul(p).sum(), [p]);
    expect(await g!.tolist()).toEqual([6, -2]);
    const [none] = grad(p.sum(), [parameter([1, 2])]);
    expect(await none!.tolist()).toEqual([0, 0]);
  });

  it("add up over several backward() calls, until zeroGrad()", async () => {
    const p = parameter([2]);
    const sgd = new optim.SGD([p], { lr: 1 });
    const f = compile(() => {
      p.mul(3).sum().backward();
      p.mul(p).sum().backward();
      const both = p.grad;
      sgd.zeroGrad();
      const cleared = p.grad;
      p.mul(5).sum().backward();
      return { both, cleared, last: p.grad };
    });
    const { both, cleared, last } = await f();
    expect([await both!.item(), cleared, await last!.item()]).toEqual([7, undefined, 5]);
  });

  it("may be replaced: clipped, or taken away", async () => {
    const [p, q] = [parameter([2]), parameter([1])];
    const sgd = new optim.SGD([p, q], { lr: 1 });
    await compile(() => {
      p.mul(100).add(q).sum().backward();
      p.grad = p.grad!.clamp(-1, 1);
      q.grad = undefined;
      sgd.step();
    })();
    expect([await p.item(), await q.item()]).toEqual([1, 1]);
  });

  it("leave frozen parameters alone", async () => {
    const net = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1));
    const [first, second] = [...net] as [nn.Linear, nn.Linear];
    first.weight.requiresGrad = false;
    const before = await first.weight.tolist();
    const bias = await first.bias!.tolist();
    const sgd = new optim.SGD(net.parameters(), { lr: 0.1 });
    await compile((x: Tensor) => {
      net(x).sum().backward();
      expect(first.weight.grad).toBeUndefined();
      expect(second.weight.grad!.shape).toEqual([1, 3]);
      sgd.step();
    })(tensor([[1, 2]]));
    expect(await first.weight.tolist()).toEqual(before);
    expect(await first.bias!.tolist()).not.toEqual(bias);
  });

  it("do not flow through noGrad(), whatever is computed there", async () => {
    const p = parameter([3]);
    const f = compile(() => {
      const h = p.mul(2);
      const constant = noGrad(() => h.mul(5)); // 30
      const own = noGrad(() => p.mul(7)); // 21
      constant.add(own).mul(p).sum().backward();
      return p.grad;
    });
    expect(await (await f())!.item()).toBe(51);
    const [g] = grad(
      noGrad(() => p.mul(p))
        .mul(p)
        .sum(),
      [p],
    );
    expect(await g!.item()).toBe(9);
  });

  it("need an f32 scalar", () => {
    expect(() => grad(tensor([1, 2]), [])).toThrow(
      "backward: only an f32 scalar has gradients, got f32 [2]; take its mean() or sum() first",
    );
    expect(() => grad(tensor([1, 2]).int().sum(), [])).toThrow("got i32 []");
  });

  it("say which op has none", () => {
    const x = tensor([
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ]);
    const [g] = grad(nn.functional.maxPool2d(x, 2).square().sum(), [x]);
    expect(() => grad(g!.sum(), [x])).toThrow(
      "backward: maxPool2dGrad has no gradient; use detach() if none should flow",
    );
    const logits = tensor([[1, 2]]);
    const [first] = grad(nn.functional.crossEntropy(logits, tensor(Int32Array.of(0))), [logits]);
    expect(() => grad(first!.square().sum(), [logits])).toThrow(
      "backward: crossEntropyGrad has no gradient; use detach() if none should flow",
    );
  });
});

describe("parameters move between backends", () => {
  it("with their latest values, also under overlapping calls", async () => {
    const [p, q] = [parameter([1]), new nn.Parameter(rand([1]), "q")];
    const step = compile((x: Tensor) => {
      p.set(p.mul(10).add(x));
      q.set(p.mul(2));
    });
    const first = step(tensor([2]));
    const other = verified(openReference());
    setBackend(other);
    const rest = [3, 4, 5].map((x) => step(tensor([x])));
    const read = p.item();
    await Promise.all([first, ...rest]);
    expect([await read, await q.item()]).toEqual([12345, 24690]);
    setBackend(backend);
    expect(await p.item()).toBe(12345);
    await other.close();
  });
});
