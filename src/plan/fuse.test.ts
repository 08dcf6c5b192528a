// Which elementwise nodes become programs of their own, and which activations move into kernels.

import { describe, expect, it } from "vitest";
import { argument, kernels, planOf, programs } from "../../test/programs.js";
import { sizeOf } from "../graph/shape.js";
import { nn, type Tensor, tensor, zeros } from "../index.js";

const F = nn.functional;

describe("elementwise programs", () => {
  it("are one for a chain, and for a diamond", () => {
    expect(programs(planOf(() => [argument([8]).mul(2).add(1).exp()]))).toEqual(["mul add exp"]);
    const diamond = planOf(() => {
      const h = argument([8]).exp();
      return [h.sin().mul(h.cos())];
    });
    expect(programs(diamond)).toEqual(["exp sin cos mul"]);
  });

  it("end in the reduction that reads them, and are computed on the way", () => {
    expect(programs(planOf(() => [argument([4, 8]).square().sum(1)]))).toEqual(["mul sum"]);
  });

  it("store what two calls of different shape need, and what is a result", () => {
    const two = planOf(() => {
      const h = argument([4, 8]).exp();
      return [h.sum(0), h.sum(1)];
    });
    expect(programs(two)).toEqual(["exp", "sum", "sum"]);
    const result = planOf(() => {
      const h = argument([8]).exp();
      return [h, h.mul(2)];
    });
    expect(programs(result)).toEqual(["exp mul"]);
    expect(result.program.calls).toMatchObject([{ results: [{ register: 2 }, { register: 3 }] }]);
  });

  it("are computed again where that moves no more memory than to read them", () => {
    const x = () => argument([4, 8]);
    const twice = (y: Tensor) => [y.sum(0), y.sum(1)];
    const row = () => argument([1, 1], 1);
    expect(programs(planOf(() => twice(x().sub(row()).mul(2))))).toEqual([
      "sub mul sum",
      "sub mul sum",
    ]);
    // but not what reads two maps or takes long
    const other = () => argument([4, 8], 2);
    expect(programs(planOf(() => twice(x().sub(other()))))).toEqual(["sub", "sum", "sum"]);
    expect(programs(planOf(() => twice(x().mul(2).tanh())))).toEqual(["mul tanh", "sum", "sum"]);
  });

  it("do not cross a view", () => {
    expect(
      programs(
        planOf(() => [
          argument([4, 8])
            .exp()
            .T.mul(tensor([1, 2, 3, 4])),
        ]),
      ),
    ).toEqual(["exp", "mul"]);
  });

  it("have at most 48 instructions", () => {
    const plan = planOf(() => {
      let y = argument([8]);
      for (let i = 0; i < 100; i++) y = y.mul(1.01).add(0.1);
      return [y];
    });
    for (const call of plan.program.calls)
      expect(call.kernel === "elementwise" && call.instructions.length).toBeLessThanOrEqual(48);
    const all = plan.program.calls.map((c) =>
      c.kernel === "elementwise" ? c.instructions.length : 0,
    );
    expect(all.reduce((a, b) => a + b, 0)).toBe(200);
  });

  it("compute a dropout mask again rather than storing it", () => {
    const p = new nn.Parameter(tensor([[0.5, -1]]), "p");
    const plan = planOf(() => {
      const x = argument([64, 1]);
      const loss = F.dropout(F.linear(x, p.T), 0.5).square().sum();
      loss.backward();
      return [loss, p.grad!];
    });
    const masks = programs(plan).filter((text) => text.includes("uniform"));
    expect(masks.length).toBe(2);
    // nothing of a mask's size and type is in the arena: all temporaries are f32 [64, 2]
    expect(plan.program.buffers.filter((b) => b.kind === "arena" && b.bytes === 128)).toEqual([]);
  });
});

describe("activations", () => {
  const w = tensor([
    [1, 2],
    [3, 4],
  ]);

  it("move into the kernel before them", () => {
    expect(programs(planOf(() => [F.linear(argument([3, 2]), w).relu()]))).toEqual(["matmul+relu"]);
    const image = planOf(() => [F.conv2d(argument([1, 1, 4, 4]), tensor([[[[1]]]])).relu()]);
    expect(programs(image)).toContain("conv2d+relu");
  });

  it("move through views that nothing else reads", () => {
    expect(
      programs(
        planOf(() => [
          F.linear(argument([2, 3, 2]), w)
            .flatten(1)
            .relu(),
        ]),
      ),
    ).toEqual(["matmul+relu"]);
  });

  it("stay where something else needs the value in between", () => {
    const plan = planOf(() => {
      const h = F.linear(argument([3, 2]), w);
      return [h.relu(), h];
    });
    expect(kernels(plan)[0]).toBe("matmul");
    expect(programs(plan)).not.toContain("matmul+relu");
    const viewed = planOf(() => {
      const h = F.linear(argument([3, 2]), w);
      return [h.reshape(6).relu(), h.sum()];
    });
    expect(programs(viewed)).not.toContain("matmul+relu");
  });

  it("move once: a second ReLU is an operation of its own", () => {
    const twice = planOf(() => [
      F.linear(argument([3, 2]), w)
        .relu()
        .relu(),
    ]);
    expect(programs(twice)).toEqual(["matmul+relu", "relu"]);
  });
});

describe("layers that normalise", () => {
  /** What a training step does to maps of full size. */
  function passes(layer: nn.Module): string[] {
    const shape = [2, 32, 8, 8];
    const plan = planOf(() => {
      const p = new nn.Parameter(zeros(shape), "x");
      const y = layer(p.mul(1.5).tanh());
      y.mul(y).sum().backward();
      return [p.grad!];
    });
    return programs(plan).filter((_, i) => {
      const call = plan.program.calls[i]!;
      return "shape" in call && sizeOf(call.shape) >= sizeOf(shape);
    });
  }

  it("go over a batch no more often than by hand", () => {
    expect(passes(new nn.BatchNorm2d(32))).toEqual([
      "mul tanh",
      "sum", // mean
      "sub mul sum", // variance
      "sub mul add", // y; g is y + y
      "add sum", // Σg
      "add sub mul sum", // Σg(x − mean)
      "add sub sub mul sub mul mul sub mul mul", // the gradient, with tanh's
    ]);
  });

  it("read neighbouring channels from one copy of the squares, on both ways", () => {
    expect(passes(new nn.LocalResponseNorm(5))).toEqual([
      "mul tanh",
      "mul", // x², into its padded copy
      "add add add add mul add log mul exp", // base^−β
      "mul", // y
      "add mul mul mul add add add add mul add div mul", // what the sum of squares receives
      "add mul add add add add mul add add sub mul mul", // the gradient, with tanh's
    ]);
  });
});
