// Chapter 2 of the course (docs/course/02-lenet-to-alexnet.md): AlexNet written down, compared with LeNet,
// and a light one trained.
//
//   npm run example -- examples/02-lenet-to-alexnet.ts [STEPS]

import {
  AlexNet,
  AlexNet2012,
  AlextNet,
  alexnet,
  grad,
  lenet,
  manualSeed,
  nn,
  optim,
  zeros,
} from "fovea";
import { DataLoader, loadFashionMnistSubset, Resize } from "fovea/data";
import { fit } from "fovea/train";

const { Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential } = nn;
manualSeed(0);

const net = new Sequential(
  // A large window, since things are large in large pictures; stride 4 shrinks them at once.
  new Conv2d(1, 96, 11, { stride: 4, padding: 1 }),
  new ReLU(),
  new MaxPool2d(3, { stride: 2 }),
  // A smaller window; padding 2 keeps height and width. More channels.
  new Conv2d(96, 256, 5, { padding: 2 }),
  new ReLU(),
  new MaxPool2d(3, { stride: 2 }),
  // Three convolutions in a row, with no pooling between them.
  new Conv2d(256, 384, 3, { padding: 1 }),
  new ReLU(),
  new Conv2d(384, 384, 3, { padding: 1 }),
  new ReLU(),
  new Conv2d(384, 256, 3, { padding: 1 }),
  new ReLU(),
  new MaxPool2d(3, { stride: 2 }),
  new Flatten(),
  // Many times as wide as LeNet's, and most of the parameters: hence dropout.
  new Linear(6400, 4096),
  new ReLU(),
  new Dropout(0.5),
  new Linear(4096, 4096),
  new ReLU(),
  new Dropout(0.5),
  new Linear(4096, 10), // ten kinds of clothes; ImageNet has 1000 classes
);

let x = zeros([1, 1, 224, 224]);
for (const layer of net) {
  x = layer(x);
  console.log(layer.constructor.name, "output shape:", x.shape);
}
console.log("as Fovea's own:", String(net) === String(alexnet()));

const summaries = {
  LeNet: nn.summarize(lenet(), [1, 1, 28, 28]),
  AlexNet: nn.summarize(net, [1, 1, 224, 224]),
};
for (const [name, { layers, parameters, macs }] of Object.entries(summaries)) {
  const learning = layers.filter((layer) => layer.parameters > 0).map((layer) => layer.type);
  console.log(`${name}: ${learning.join(" ")}`);
  console.log(`  ${parameters} parameters, ${macs} multiply-adds a picture`);
}

const data = await loadFashionMnistSubset();
const train = new DataLoader(data.train, {
  batchSize: 16,
  shuffle: true,
  transforms: [Resize(96)],
});
const [pictures, labels] = (await train.epoch(0).next()).value!;
for (const Activation of [nn.Sigmoid, nn.ReLU]) {
  const stages = [1, 16, 16, 16, 16, 16, 16].map(
    (inChannels) => new Sequential(new Conv2d(inChannels, 16, 3, { padding: 1 }), new Activation()),
  );
  const deep = new Sequential(
    ...stages,
    new nn.GlobalAvgPool2d(),
    new Flatten(),
    new Linear(16, 10),
  );
  nn.init.initXavier(deep);
  const loss = nn.functional.crossEntropy(deep(train.pixels(pictures)), labels);
  const weights = [...deep.parameters()].filter((parameter) => parameter.dim() > 1);
  const sizes = await Promise.all(
    grad(loss, weights).map(async (g) => (await g.square().sum().sqrt().item()).toExponential(0)),
  );
  console.log(Activation.name.padEnd(7), sizes.join("  "));
}

const light = new AlexNet({ inputSize: [96, 96] }); // 224×224 in the notebook
console.log("X =", pictures.shape, "\nY =", await labels.text());
console.log(String(light));

const { epochs, steps } = await fit(light, {
  train,
  test: new DataLoader(data.test, { batchSize: 100, limit: 500, transforms: [Resize(96)] }),
  optimizer: new optim.Adam(light.parameters(), { lr: 0.001 }),
  epochs: 1,
  maxSteps: Number(process.argv[2] ?? 200),
});
const mean = (losses: number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
const losses = steps.map((step) => step.loss);
console.log("loss of the first 10 steps", mean(losses.slice(0, 10)).toFixed(3));
console.log("loss of the last 10 steps ", mean(losses.slice(-10)).toFixed(3));
console.log("test accuracy", epochs[0]!.testAcc!.toFixed(3));

console.log([...new AlextNet({ inChannels: 3, numClasses: 10 }).stateDict().keys()].join(" "));

const { features } = new AlexNet2012();
console.log(String(features));
