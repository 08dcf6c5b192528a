// Trains a small convolutional network on the part of Fashion-MNIST that comes with Fovea, with a loop
// of its own (`fit` from fovea/train has one ready), and looks at a few of its answers.
//
//   npm run example -- examples/fashion-mnist.ts [EPOCHS]

import { compile, countCorrect, manualSeed, nn, noGrad, optim, type Tensor } from "fovea";
import { DataLoader, fashionMnistClasses, loadFashionMnistSubset } from "fovea/data";

manualSeed(0);
// biome-ignore format: reads like the table it is
const net = new nn.Sequential(
  new nn.Conv2d(1, 16, 5, { padding: 2 }), new nn.ReLU(), new nn.MaxPool2d(2), // 16×14×14
  new nn.Conv2d(16, 32, 5), new nn.ReLU(), new nn.MaxPool2d(2), //                32×5×5
  new nn.Flatten(), new nn.Linear(800, 10),
);
const optimizer = new optim.SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });

// Each function runs once to be recorded; from then on its plan is replayed, off this thread.
const step = compile((x: Tensor, y: Tensor) => {
  const loss = nn.functional.crossEntropy(net(x.float().div(255)), y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});
const predict = compile((x: Tensor) => noGrad(() => net(x.float().div(255))));

const data = await loadFashionMnistSubset();
const train = new DataLoader(data.train, { batchSize: 64, shuffle: true });
const test = new DataLoader(data.test, { batchSize: 250 });
const epochs = Number(process.argv[2] ?? 5);

for (let epoch = 1; epoch <= epochs; epoch++) {
  net.train();
  let loss = 0;
  for await (const [x, y] of train) loss += (await (await step(x, y)).item()) / train.batches;
  net.eval();
  let correct = 0;
  for await (const [x, y] of test) correct += await countCorrect(await predict(x), y).item();
  console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}, test accuracy ${correct / test.count}`);
}

const [images, labels] = (await test.epoch(0).next()).value!;
const answers = await (await predict(images)).argmax(1).data();
const truth = await labels.data();
const name = (label?: number) => fashionMnistClasses[label ?? 0];
for (let i = 0; i < 5; i++) console.log(`${name(truth[i])} → ${name(answers[i])}`);
