// What moves into the kernels of convolutions on the way back: masks of ReLUs' gradients, and the gradients
// of biases.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verified } from "../../test/conformance/verified.js";
import { argument, planOf, programs } from "../../test/programs.js";
import type { KernelCall } from "../backends/kernels.js";
import {
  cat,
  compile,
  fromTypedArray,
  manualSeed,
  models,
  nn,
  openReference,
  randn,
  setBackend,
  type Tensor,
  zeros,
} from "../index.js";
import type { Plan } from "./plan.js";

const F = nn.functional;
const backend = verified(openReference());
beforeAll(() => setBackend(backend));
afterAll(() => backend.close());

const calls = <K extends KernelCall["kernel"]>({ program }: Plan, kernel: K) =>
  program.calls.filter((c) => c.kernel === kernel) as Extract<KernelCall, { kernel: K }>[];

/** The gradients of a network's parameters, on images of this size. */
function gradientsOf(net: nn.Network, side: number): Plan {
  return planOf(() => {
    const output = net(argument([2, 1, side, side]));
    nn.logitsOf(output).square().mean().backward();
    return [...net.parameters()].map((p) => p.grad!);
  });
}

describe("the gradients of a network", () => {
  it.each([
    ["alexnet", 127],
    ["nin", 127],
    ["googlenet", 96],
    ["vgg11-small", 64],
  ] as const)(
    "%s: masks and sums no map by itself that a convolution makes or reads",
    (name, side) => {
      const net = models[name]!.build({ inputSize: [side, side], dropout: 0 });
      const plan = gradientsOf(net, side);
      const convolutions = calls(plan, "conv2dGradWeight");
      expect(convolutions.every((call) => call.gbias)).toBe(true);
      // what is left: biases of fully connected layers, averages of each image's channels, and the loss
      const sums = calls(plan, "reduce").filter((call) => call.shape.length > 2 && call.reduced[0]);
      expect(sums).toEqual([]);
      expect(calls(plan, "conv2dGradInput").some((call) => call.mask)).toBe(true);
    },
  );

  it("mask a concatenation once, with the sum of what it receives", () => {
    const net = models.googlenet!.build({ inputSize: [96, 96] });
    const masks = programs(gradientsOf(net, 96)).filter((text) => text.includes("select"));
    // 9 concatenations, of which pooling follows 2 and 1 is averaged; and the stem
    expect(masks.length).toBeLessThanOrEqual(12);
    expect(masks.filter((text) => text.includes("add")).length).toBeGreaterThanOrEqual(6);
  });

  it("sum over a map where no weight learns", () => {
    const plan = planOf(() => {
      const bias = new nn.Parameter(zeros([4]), "bias");
      F.conv2d(argument([2, 3, 8, 8]), randn([4, 3, 3, 3]), bias)
        .square()
        .sum()
        .backward();
      return [bias.grad!];
    });
    expect(calls(plan, "conv2dGradWeight")).toEqual([]);
    expect(programs(plan).filter((text) => text.endsWith("sum")).length).toBe(1);
  });

  it("are masked apart where something else needs them as they are", () => {
    const plan = planOf(() => {
      const x = new nn.Parameter(zeros([2, 3, 8, 8]), "x");
      const h = x.relu();
      const y = F.conv2d(h, randn([4, 3, 3, 3]));
      y.square().sum().add(h.sum()).backward();
      return [x.grad!];
    });
    expect(calls(plan, "conv2dGradInput").every((call) => call.mask === undefined)).toBe(true);
  });
});

describe("gradients with masks and sums in the convolutions", () => {
  it("are those of the same network written so that nothing moves", async () => {
    manualSeed(1);
    const shapes = [[4, 2, 3, 3], [4], [3, 4, 3, 3], [3], [5, 4, 1, 1], [5], [2, 8, 5, 5], [2]];
    const values = await Promise.all(shapes.map((shape) => randn(shape).data()));
    const images = randn([3, 2, 9, 8]);

    const gradients = async (relu: (x: Tensor) => Tensor): Promise<number[]> => {
      const p = shapes.map(
        (shape, i) => new nn.Parameter(fromTypedArray(values[i]!, shape), `p${i}`),
      );
      const [w1, b1, w2, b2, w3, b3, w4, b4] = p;
      const step = compile((x: Tensor) => {
        const h = relu(F.conv2d(x, w1!, b1, { padding: 1 }));
        const parts = [F.conv2d(h, w2!, b2, { padding: 1 }), F.conv2d(h, w3!, b3)].map(relu);
        const y = relu(F.conv2d(F.maxPool2d(cat(parts, 1), 2), w4!, b4, { padding: 2 }));
        y.square().sum().backward();
        return p.map((q) => q.grad!);
      });
      const grads = await step(images);
      return (await Promise.all(grads.map((g) => g.data()))).flatMap((g) => [...g]);
    };

    const moved = await gradients((x) => x.relu());
    const apart = await gradients((x) => x.mul(x.gt(0).float()));
    // sums here are taken in double precision, in one order or another, and rounded once
    const largest = Math.max(...apart.map(Math.abs));
    expect(largest).toBeGreaterThan(1);
    expect(moved.length).toBe(apart.length);
    for (const [i, g] of moved.entries())
      expect(Math.abs(g - apart[i]!), `gradient ${i}`).toBeLessThanOrEqual(1e-6 * largest);
  });
});
