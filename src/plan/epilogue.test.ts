// Products whose only reader moves into them: what becomes an epilogue, what does not, and that neither order
// nor bits suffer.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openVerified, verified } from "../../test/conformance/verified.js";
import { argument, parameter, planOf, programs, writers } from "../../test/programs.js";
import { operandsOf } from "../backends/operands.js";
import { compile, nn, openReference, optim, setBackend, type Tensor, tensor } from "../index.js";

const backend = verified(openReference());
beforeAll(() => setBackend(backend));
afterAll(() => backend.close());

const values = (n: number, shift = 0) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i + shift));

/** A step of two layers, and what it is made of. */
function trained(
  make: (net: nn.Module) => optim.Optimizer,
  after: (net: nn.Sequential) => Tensor[] = () => [],
) {
  const net = new nn.Sequential(new nn.Linear(24, 16), new nn.Tanh(), new nn.Linear(16, 8));
  const optimizer = make(net);
  const plan = planOf(() => {
    net(argument([4, 24]))
      .square()
      .sum()
      .backward();
    const results = after(net);
    optimizer.step();
    return results;
  });
  return { net, plan };
}

const weightsOf = (net: nn.Module) =>
  [...net.parameters()].filter((p) => p.shape.length === 2).map((p) => p.state);

const sgd = (net: nn.Module) => new optim.SGD(net.parameters(), { lr: 0.1 });

describe("the update of a fully connected layer", () => {
  it.each<[string, (net: nn.Module) => optim.Optimizer, states: number]>([
    ["SGD", sgd, 1],
    [
      "SGD with momentum",
      (net) => new optim.SGD(net.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }),
      2,
    ],
    ["Adam", (net) => new optim.Adam(net.parameters()), 3],
  ])("by %s happens while its gradient is computed", (_, make, states) => {
    const { net, plan } = trained(make);
    for (const weight of weightsOf(net)) {
      const [call, ...others] = writers(plan, weight);
      expect(others).toEqual([]);
      expect(call).toMatchObject({ kernel: "matmul" });
      expect(call).not.toHaveProperty("c");
      expect(operandsOf(call!).filter((use) => use.isWritten).length).toBe(states);
    }
    // neither gradient is ever in memory: what is, are activations of 4 rows
    expect(plan.program.arenaBytes).toBeLessThan(16 * 24 * 4);
  });

  it("comes after all that reads the old weights", () => {
    const { net, plan } = trained(sgd);
    const [, last] = weightsOf(net);
    const update = plan.program.calls.indexOf(writers(plan, last!)[0]!);
    const buffer = plan.program.buffers.findIndex(
      (b) => b.kind === "state" && b.index === plan.states.indexOf(last!),
    );
    const readers = plan.program.calls.flatMap((call, i) =>
      operandsOf(call).some((use) => !use.isWritten && use.operand.buffer === buffer) ? [i] : [],
    );
    expect(readers.length).toBe(3); // forward, the gradient of what came in, itself
    expect(Math.max(...readers)).toBe(update);
  });

  const kernelsOfUpdates = ({ net, plan }: ReturnType<typeof trained>) =>
    weightsOf(net).flatMap((weight) => writers(plan, weight).map((call) => call.kernel));

  it("waits where somebody else reads the gradient", () => {
    const clipped = trained((net) => {
      const optimizer = sgd(net);
      const { step } = optimizer;
      optimizer.step = () => {
        optim.clipGradNorm(net.parameters(), 1);
        step.call(optimizer);
      };
      return optimizer;
    });
    expect(kernelsOfUpdates(clipped)).toEqual(["elementwise", "elementwise"]);
    const returned = trained(sgd, (net) => [...net.parameters()].map((p) => p.grad!));
    expect(kernelsOfUpdates(returned)).toEqual(["elementwise", "elementwise"]);
  });
});

describe("an epilogue", () => {
  const a = () => argument([4, 6]);
  const b = () => argument([6, 5], 1);

  it("is any program over the product alone, also by columns", () => {
    expect(programs(planOf(() => [a().matmul(b()).exp().neg()]))).toEqual(["matmul exp neg"]);
    expect(programs(planOf(() => [a().matmul(b()).T.exp()]))).toEqual(["matmul exp"]);
    const row = argument([5], 2);
    expect(programs(planOf(() => [a().matmul(b()).mul(row)]))).toEqual(["matmul mul"]);
  });

  it("is none over a part, over several products at once, or over a single row", () => {
    const part = planOf(() => [a().matmul(b()).slice([0, 2]).exp()]);
    expect(programs(part)).toEqual(["matmul", "exp"]);
    const batch = planOf(() => [
      argument([3, 4, 6])
        .matmul(argument([3, 6, 5], 1))
        .exp(),
    ]);
    expect(programs(batch)).toEqual(["matmul", "exp"]);
    const row = planOf(() => [argument([1, 6]).matmul(b()).exp()]);
    expect(programs(row)).toEqual(["matmul", "exp"]);
    const twice = planOf(() => {
      const product = a().matmul(b());
      return [product.exp(), product.sum()];
    });
    expect(programs(twice)).toContain("matmul");
  });

  it("does not write over the factors of its product", async () => {
    const p = parameter([
      [1, 2],
      [3, 4],
    ]);
    const step = compile(() => {
      p.set(p.matmul(p).mul(2));
    });
    await step();
    expect(await p.tolist()).toEqual([
      [14, 20],
      [30, 44],
    ]);
  });
});

describe.each(["reference", "native"] as const)("values, on %s", (name) => {
  const opened = openVerified(name);
  afterAll(() => (typeof opened === "string" ? undefined : opened.close()));

  it("are the same bits as with the gradient in memory", async ({ skip }) => {
    if (typeof opened === "string") return skip(opened);
    setBackend(opened);
    // more than one block of rows, of columns and of terms
    const [rows, from, to] = [530, 300, 170];
    const x = tensor(values(rows * from), [rows, from]);
    const train = async (seen: boolean) => {
      const layer = new nn.Linear(from, to);
      layer.weight.set(tensor(values(from * to, 1), [to, from]));
      layer.bias!.set(tensor(values(to, 2)));
      const optimizer = new optim.Adam(layer.parameters(), { lr: 0.01 });
      const step = compile(() => {
        optimizer.zeroGrad();
        layer(x).tanh().sum().backward();
        optimizer.step();
        return seen ? layer.weight.grad : undefined;
      });
      for (let i = 0; i < 2; i++) await step();
      return layer.weight.data();
    };
    expect(await train(false)).toEqual(await train(true));
  });
});
