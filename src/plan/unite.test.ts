// Elementwise calls that become one: which ones do, that none moves past what it depends on, and that values
// stay the same, bit by bit.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openVerified, verified } from "../../test/conformance/verified.js";
import { argument, parameter, planOf, programs, writers } from "../../test/programs.js";
import type { ElementwiseCall, Operand } from "../backends/kernels.js";
import { compile, nn, openReference, optim, setBackend, type Tensor, tensor } from "../index.js";
import type { Draft, VirtualBuffer } from "./ir.js";
import { unite } from "./unite.js";

const backend = verified(openReference());
beforeAll(() => setBackend(backend));
afterAll(() => backend.close());

describe("elementwise calls", () => {
  it("that read the same elements become one, which reads them once", () => {
    const x = argument([4, 8]);
    const plan = planOf(() => [x.exp(), x.neg()]);
    expect(programs(plan)).toEqual(["exp neg"]);
    expect(plan.program.calls[0]).toMatchObject({ sources: [{ kind: "memory" }] });
  });

  it("that read other elements, other sizes or only the same number stay apart", () => {
    const x = argument([4, 4]);
    const apart = planOf(() => [x.exp(), x.T.neg()]);
    expect(programs(apart)).toEqual(["exp", "neg"]);
    const sizes = planOf(() => [x.exp(), x.slice([0, 2]).neg()]);
    expect(programs(sizes)).toEqual(["exp", "neg"]);
    const lr = argument([], 2);
    const numbers = planOf(() => [argument([4]).mul(lr), argument([4], 1).mul(lr)]);
    expect(programs(numbers)).toEqual(["mul", "mul"]);
  });

  it("compute what both need once", () => {
    const plan = planOf(() => {
      const x = argument([8]);
      return [x.mul(3).exp(), x.mul(3).neg()];
    });
    expect(programs(plan)).toEqual(["mul exp neg"]);
  });

  it("have no longer programs than others", () => {
    const plan = planOf(() => {
      const many = (x: Tensor): Tensor => {
        let y = x;
        for (let i = 0; i < 30; i++) y = y.sin();
        return y;
      };
      const x = argument([8]);
      return [many(x), many(x.neg())];
    });
    expect(programs(plan).map((p) => p.split(" ").length)).toEqual([30, 31]);
  });

  it("have no more results than instructions: a value that goes to many outputs is copied by several", () => {
    const x = argument([3]);
    const { program } = planOf(() => Array.from({ length: 300 }, () => x));
    const results = program.calls.map((c) => (c.kernel === "elementwise" ? c.results.length : 0));
    expect(Math.max(...results)).toBe(48);
    expect(results.reduce((sum, n) => sum + n)).toBe(300);
  });
});

describe("updates", () => {
  const update = (make: (p: nn.Parameter) => optim.Optimizer) => {
    const p = parameter([1, -2, 3]);
    const optimizer = make(p);
    const plan = planOf(() => {
      p.pow(3).sum().backward();
      optimizer.step();
      return undefined;
    });
    return { plan, p, optimizer };
  };

  it.each<[string, (p: nn.Parameter) => optim.Optimizer, states: number]>([
    ["SGD with momentum", (p) => new optim.SGD([p], { lr: 0.1, momentum: 0.9 }), 2],
    ["Adam", (p) => new optim.Adam([p]), 3],
    ["AdamW", (p) => new optim.AdamW([p]), 3],
  ])("of %s are one call a parameter", (_, make, states) => {
    const { plan, p } = update(make);
    const [call] = writers(plan, p.state) as ElementwiseCall[];
    expect(call!.results.length).toBe(states);
    expect(
      plan.program.calls.filter((c) => c.kernel === "elementwise" && c.shape[0] === 3),
    ).toEqual([call]);
    expect(plan.program.arenaBytes).toBeLessThanOrEqual(3 * 64);
  });

  it("go on while others read the old value in between", async () => {
    // y needs p's old value, v and p are updated around it
    const [p, v] = [parameter([1, 2]), parameter([10, 20], "v")];
    const step = compile(() => {
      v.set(v.mul(0.5).add(p));
      const y = p.unsqueeze(0).matmul(p.unsqueeze(1));
      p.set(p.sub(v));
      return y;
    });
    expect(await (await step()).item()).toBe(5);
    expect([await v.tolist(), await p.tolist()]).toEqual([
      [6, 12],
      [-5, -10],
    ]);
  });
});

// What recorded functions rarely lead to.
describe("a union is refused", () => {
  const window = (buffer: number, strides = [1], dtype: Operand["dtype"] = "f32"): Operand => ({
    buffer,
    dtype,
    offset: 0,
    strides,
  });
  const call = (from: Operand, to: Operand): ElementwiseCall => ({
    kernel: "elementwise",
    shape: [8],
    sources: [{ kind: "memory", operand: from }],
    instructions: [{ op: "neg", dtype: from.dtype === "f32" ? "f32" : "i32", args: [0] }],
    results: [{ register: 1, operand: to }],
  });
  const buffers: VirtualBuffer[] = Array.from({ length: 5 }, () => ({
    kind: "temporary",
    bytes: 64,
  }));
  const refused = (...calls: ElementwiseCall[]) => {
    const draft: Draft = { buffers, calls };
    expect(unite(draft)).toBe(draft);
  };

  it("where the second reads the result at other elements", () => {
    refused(call(window(0), window(1)), call({ ...window(1, [-1]), offset: 7 }, window(2)));
  });

  it("where it reads bytes that a register did not hold", () => {
    refused(
      call(window(0, [1], "i32"), window(1, [1], "u8")),
      call(window(1, [1], "u8"), window(2, [1], "i32")),
    );
  });

  it("where one cannot move to the other", () => {
    // 0 → 1 → 2 → 3 and 1 → 3's buffer: what lies between reads the first and writes for the last
    refused(
      call(window(0), window(1)),
      { ...call(window(1, [2]), window(2)), shape: [4] },
      {
        ...call(window(0), window(3)),
        sources: [
          { kind: "memory", operand: window(0) },
          { kind: "memory", operand: window(2, [0]) },
        ],
      },
    );
  });
});

describe.each(["reference", "native"] as const)("values, on %s", (name) => {
  const opened = openVerified(name);
  afterAll(() => (typeof opened === "string" ? undefined : opened.close()));

  it("are the same bits as from one call after the other", async ({ skip }) => {
    if (typeof opened === "string") return skip(opened);
    setBackend(opened);
    const n = 3000; // some blocks of a kernel, the last one not full
    const values = (f: (x: number) => number) => Float32Array.from({ length: n }, (_, i) => f(i));
    const make = () => {
      const of = (f: (x: number) => number) => new nn.Buffer(tensor(values(f), [n]), "b");
      const [p, m, v] = [of((i) => Math.sin(i)), of((i) => Math.cos(i)), of((i) => (i % 7) / 9)];
      const g = () => p.sin().mul(3);
      return {
        states: [p, m, v],
        steps: [
          () => m.set(m.mul(0.9).add(g().mul(0.1))),
          () => v.set(v.mul(0.99).add(g().square().mul(0.01))),
          () => p.set(p.sub(m.div(v.sqrt().add(1e-8)).mul(0.1))),
        ],
      };
    };
    const [apart, together] = [make(), make()];
    const alone = apart.steps.map((step) => compile(step));
    const all = compile(() => {
      for (const step of together.steps) step();
    });
    for (let i = 0; i < 3; i++) {
      for (const step of alone) await step();
      await all();
    }
    for (const [i, state] of together.states.entries())
      expect(await state.data()).toEqual(await apart.states[i]!.data());
  });
});
