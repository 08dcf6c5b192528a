// What a compiled function refuses, and in which words.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verified } from "../test/conformance/verified.js";
import {
  compile,
  getBackend,
  nn,
  openReference,
  optim,
  setBackend,
  type Tensor,
  tensor,
  zeros,
} from "./index.js";

const backend = verified(openReference());
beforeAll(() => setBackend(backend));
afterAll(() => backend.close());

const parameter = (values: number[]) => new nn.Parameter(tensor(values), "p");

describe("what cannot be compiled says so", () => {
  // at once, so that nothing is recorded without the value, whoever looks after the promise
  it.each(["data", "item", "tolist", "text"] as const)("reading inside with %s()", async (read) => {
    const f = compile((x: Tensor) => {
      void x[read]();
      return x;
    });
    await expect(f(tensor([1]))).rejects.toThrow(
      `${read}: nothing can be read inside compile(); return the tensor and read it from the result`,
    );
  });

  it("an async function, also one that reads", async () => {
    for (const fn of [async (x: Tensor) => x, async (x: Tensor) => tensor([await x.item()])]) {
      const f = compile(fn as unknown as (x: Tensor) => Tensor);
      await expect(f(tensor([1]))).rejects.toThrow(
        "compile: the function must not be async; read results outside it",
      );
    }
  });

  it("a compiled function inside another", async () => {
    const inner = compile((x: Tensor) => x);
    let came: unknown;
    const outer = compile((x: Tensor) => {
      void inner(x).catch((error: unknown) => {
        came = error;
      });
      return x;
    });
    await outer(tensor([1]));
    expect((came as Error).message).toBe(
      "compile: a compiled function cannot be called inside another; call the plain function",
    );
  });

  it("a result that is no tensor", async () => {
    const f = compile((() => 3) as unknown as () => Tensor);
    await expect(f()).rejects.toThrow(
      "compile: the function may return tensors, arrays and objects of them, got a number",
    );
  });

  it("training outside", () => {
    const p = parameter([1]);
    const text = (op: string) =>
      `${op}: works inside a function given to compile() only; outside, grad(loss, [w]) gives gradients`;
    expect(() => p.sum().backward()).toThrow(text("backward"));
    const sgd = new optim.SGD([p], { lr: 1 });
    expect(() => sgd.step()).toThrow(text("step"));
    expect(() => sgd.zeroGrad()).toThrow(text("zeroGrad"));
  });

  it("a tensor that has left the recording", async () => {
    const kept: Tensor[] = [];
    const f = compile((x: Tensor) => {
      kept.push(x, x.mul(2));
      return x;
    });
    await f(tensor([1]));
    const message = "data: an argument of a compiled function has no value outside it";
    for (const t of kept) await expect(t.data()).rejects.toThrow(message);
  });

  it("an error in the function leaves everything as it was", async () => {
    const p = parameter([1]);
    const f = compile((x: Tensor) => {
      p.set(p.add(1));
      return x.matmul(p);
    });
    await expect(f(zeros([2, 3]))).rejects.toThrow("matmul");
    expect(await p.item()).toBe(1);
    expect(getBackend()).toBe(backend);
    expect(await (await compile((x: Tensor) => x.neg())(tensor([1]))).item()).toBe(-1);
  });
});
