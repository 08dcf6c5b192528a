// What the calls of a plan are for.

import { describe, expect, it } from "vitest";
import {
  alexnet,
  compile,
  manualSeed,
  nn,
  type nn as nnTypes,
  openReference,
  optim,
  setBackend,
  type Tensor,
  zeros,
} from "../index.js";
import { trainStep } from "../train/steps.js";

setBackend(openReference());
manualSeed(0);

const labels = (n: number) => zeros([n], "i32");

/** "conv2d 0 forward" of each call. */
function callsOf(net: nnTypes.Module, input: readonly number[], options = {}): string[] {
  const step = trainStep(net, new optim.SGD(net.parameters(), { lr: 0.1, ...options }));
  const { calls } = step.plan(zeros(input), labels(input[0]!));
  return calls.map(({ kernel, origin }) => [kernel, origin?.layer, origin?.pass].join(" "));
}

describe("origins of calls", () => {
  it("names layer and pass of each kernel, fused or not", () => {
    const net = new nn.Sequential(
      new nn.Conv2d(1, 4, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(4, 4, 3),
      new nn.Tanh(),
      new nn.Flatten(),
      new nn.Linear(4 * 2 * 2, 3),
    );
    const calls = callsOf(net, [2, 1, 8, 8]);
    expect(calls).toEqual(
      expect.arrayContaining([
        "conv2d 0 forward",
        "maxPool2d 2 forward",
        "conv2d 3 forward",
        "matmul 6 forward",
        "crossEntropy  forward",
        "crossEntropyGrad  backward",
        "matmul 6 backward",
        "conv2dGradInput 3 backward",
        "conv2dGradWeight 3 backward",
        "maxPool2dGrad 2 backward",
        "conv2dGradWeight 0 backward",
      ]),
    );
    expect(calls.filter((call) => /undefined|^\w+ *$/.test(call))).toEqual([]);
    // the first layer's input has no gradient, and a ReLU none of its own
    expect(calls).not.toContain("conv2dGradInput 0 backward");
    expect(calls.filter((call) => call.includes(" 1 "))).toEqual([]);
  });

  it("gives the update to the layer whose parameter it is, with momentum and clipping, too", () => {
    const net = new nn.Sequential(new nn.Linear(4, 3), new nn.Sigmoid(), new nn.Linear(3, 2));
    const updates = (calls: readonly string[]) => calls.filter((call) => call.endsWith(" update"));
    const plain = updates(callsOf(net, [2, 4]));
    expect(new Set(plain)).toEqual(new Set(["elementwise 0 update", "elementwise 2 update"]));
    const momentum = updates(callsOf(net, [2, 4], { momentum: 0.9 }));
    expect(new Set(momentum)).toEqual(new Set(plain));

    const sgd = new optim.SGD(net.parameters(), { lr: 0.1 });
    const clipped = trainStep(net, sgd, { clipGradNorm: 1 }).plan(zeros([2, 4]), labels(2));
    const layers = clipped.calls.filter((c) => c.origin?.pass === "update");
    expect(new Set(layers.map((c) => c.origin!.layer))).toEqual(new Set(["0", "2"]));
  });

  it("names what is inside modules by its path, and functions by the module that calls them", () => {
    class Block extends nn.Module {
      branch = new nn.Conv2d(2, 2, 1);
      override forward(x: Tensor): Tensor {
        return this.branch(x).add(x).exp();
      }
    }
    class Net extends nn.Module {
      body = new nn.Sequential(new Block(), new Block());
      fc = new nn.Linear(2, 2);
      override forward(x: Tensor): Tensor {
        return this.fc(this.body(x).mean([2, 3]));
      }
    }
    const net = new Net();
    const infer = compile((x: Tensor) => net(x));
    const named = infer
      .plan(zeros([1, 2, 3, 3]))
      .calls.map(({ kernel, origin }) => `${kernel} ${origin?.layer}`);
    expect(named).toEqual([
      "conv2d body.0.branch",
      "elementwise body.0",
      "conv2d body.1.branch",
      "reduce ",
      "elementwise ",
      "matmul fc",
    ]);
  });

  it("leaves nothing of AlexNet's training step unnamed but the loss, and the look at all gradients", () => {
    const net = alexnet();
    const unnamed = callsOf(net, [2, 1, 224, 224]).filter((call) => / {2}/.test(call));
    expect(unnamed.map((call) => call.split(" ")[0])).toEqual(
      unnamed.map(() =>
        expect.stringMatching(/^(crossEntropy|crossEntropyGrad|reduce|elementwise)$/),
      ),
    );
    expect(unnamed.length).toBeLessThan(10);
  });

  it("says nothing where nothing was recorded of a function", () => {
    const loss = compile((x: Tensor, y: Tensor) => nn.functional.crossEntropy(x, y));
    for (const { origin } of loss.plan(zeros([2, 3]), labels(2)).calls)
      expect(origin).toEqual({ layer: "", pass: "forward" });
  });
});
