// What an ONNX file says beside the graph: names, metadata, weights. What is computed is in layers.test.ts and
// functions.test.ts.

import { describe, expect, it } from "vitest";
import {
  expectSame,
  Fn,
  onnxBytes,
  openModel,
  readModel,
  useReference,
} from "../../../test/support/onnx.js";
import { manualSeed, nn, randn, randomState, type Tensor, tensor } from "../../index.js";

useReference();

describe("the file", () => {
  it("has the network's names, and says what it is", async () => {
    const net = new nn.Sequential(
      new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.ReLU(), new nn.Dropout()),
      new nn.Flatten(),
      new nn.Linear(8, 2),
    );
    const bytes = await onnxBytes(net, [1, 4, 4], { metadata: { classes: "猫, dog" } });
    expect(readModel(bytes)).toEqual({
      producer: "fovea",
      irVersion: 8,
      opset: 17,
      metadata: { classes: "猫, dog" },
      operators: ["Conv", "Relu", "Flatten", "Gemm"],
      nodes: ["0.0/Conv", "0.1/Relu", "1/Flatten", "2/Gemm"],
      initializers: ["0.0.weight", "0.0.bias", "2.weight", "2.bias"],
    });
    const model = await openModel(bytes);
    const [input, output] = [model.inputMetadata[0]!, model.outputMetadata[0]!];
    expect(input).toMatchObject({ name: "input", type: "float32", shape: ["batch", 1, 4, 4] });
    expect(output).toMatchObject({ name: "logits", type: "float32", shape: ["batch", 2] });
  });

  it("takes other names, and a fixed number of images", async () => {
    const net = new nn.Linear(3, 2);
    const options = { inputName: "pixels", outputName: "scores", batch: 5 };
    const model = await openModel(await onnxBytes(net, [3], options));
    expect(model.inputMetadata[0]).toMatchObject({ name: "pixels", shape: [5, 3] });
    expect(model.outputMetadata[0]).toMatchObject({ name: "scores", shape: [5, 2] });
    await expectSame(net, model, randn([5, 3]), 1e-5);
  });

  it("holds shared weights once, and those that no module has", async () => {
    const shared = new nn.Linear(3, 3);
    const own = new nn.Parameter(tensor([1, 2, 3]), "shift");
    const before = own.mul(2); // written down before the network is
    const net = new nn.Sequential(shared, shared, new Fn((x) => x.add(own).mul(before).add(1)));
    const bytes = await onnxBytes(net, [3]);
    const { initializers, nodes } = readModel(bytes);
    expect(initializers).toEqual(["0.weight", "0.bias", "shift", "constant", "constant_1"]);
    expect(nodes).toEqual(["0/Gemm", "0/Gemm_1", "2/Add", "2/Mul", "2/Mul_1", "2/Add_1"]);
    await expectSame(net, await openModel(bytes), randn([2, 3]), 1e-5);
  });

  it("leaves weights their names, whatever else has one", async () => {
    class Net extends nn.Module {
      constant = new nn.Parameter(tensor([3, 4]));
      logits = new nn.Linear(2, 2);
      input = new nn.Parameter(tensor([5, 6]));
      override forward(x: Tensor): Tensor {
        return this.logits(x.mul(7)).add(this.constant).mul(this.input);
      }
    }
    const net = new Net();
    const bytes = await onnxBytes(net, [2]);
    expect(readModel(bytes).initializers).toEqual([
      "constant_1",
      "logits.weight",
      "logits.bias",
      "constant",
      "input_1",
    ]);
    await expectSame(net, await openModel(bytes), randn([2, 2]), 1e-5);
  });

  it("has auxiliary classifiers' weights not in it", async () => {
    class Net extends nn.Module<[Tensor], nn.Logits> {
      main = new nn.Linear(3, 2);
      aux = new nn.Linear(3, 2);
      override forward(x: Tensor): nn.Logits {
        return { logits: this.main(x), auxiliary: [this.aux(x)], weight: 0.3 };
      }
    }
    const { initializers } = readModel(await onnxBytes(new Net(), [3]));
    expect(initializers).toEqual(["main.weight", "main.bias"]);
  });

  it("is of deep networks too", async () => {
    const net = new Fn((x) => {
      let y = x;
      for (let i = 0; i < 20_000; i++) y = y.neg();
      return y;
    });
    expect(readModel(await onnxBytes(net, [1])).nodes).toHaveLength(20_000);
  });

  it("leaves the network and the random numbers as they were", async () => {
    manualSeed(3);
    const net = new nn.Sequential(new nn.BatchNorm2d(2), new nn.Dropout());
    net[1]!.eval();
    const before = [randomState(), [...net.modules()].map((module) => module.training)];
    await onnxBytes(net, [2, 3, 3]);
    expect([randomState(), [...net.modules()].map((module) => module.training)]).toEqual(before);
    expect(await net.stateDict().get("0.num_batches_tracked")!.item()).toBe(0);
  });
});
