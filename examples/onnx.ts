// Trains a small network, exports it as ONNX, and asks onnxruntime what Fovea is asked: a model answers the
// same wherever it runs. (With a run of `fovea train`, `fovea export RUN` writes such a file.)
//
//   npm run example -- examples/onnx.ts [EPOCHS]

import { manualSeed, nn, noGrad, optim, tensor } from "fovea";
import { DataLoader, loadFashionMnistSubset } from "fovea/data";
import { writeOnnx } from "fovea/formats";
import { fit } from "fovea/train";
import { InferenceSession, Tensor } from "onnxruntime-node";

const [epochs = "1"] = process.argv.slice(2);
const { train, test } = await loadFashionMnistSubset();
const { classNames } = train;

manualSeed(0);
const net = new nn.Sequential(
  new nn.Conv2d(1, 16, 5, { padding: 2 }),
  new nn.BatchNorm2d(16),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(16 * 14 * 14, 10),
);
await fit(net, {
  train: new DataLoader(train, { batchSize: 64, shuffle: true }),
  optimizer: new optim.SGD(net.parameters(), { lr: 0.05 }),
  epochs: Number(epochs),
});
await writeOnnx("fashion.onnx", net, [1, 28, 28], {
  metadata: { classes: JSON.stringify(classNames), preparation: "bytes of 28×28 pixels, / 255" },
});

const shape = [5, 1, 28, 28];
const pixels = Float32Array.from(test.images.subarray(0, 5 * 28 * 28), (byte) => byte / 255);
net.eval();
const ours = [...(await noGrad(() => net(tensor(pixels, shape))).data())];
const session = await InferenceSession.create("fashion.onnx");
const { logits } = await session.run({ input: new Tensor("float32", pixels, shape) });
const theirs = [...(logits!.data as Float32Array)];

const best = (numbers: readonly number[], image: number) => {
  const row = numbers.slice(image * 10, image * 10 + 10);
  return classNames[row.indexOf(Math.max(...row))];
};
for (let i = 0; i < 5; i++) console.log(`Fovea: ${best(ours, i)}, onnxruntime: ${best(theirs, i)}`);
const furthest = Math.max(...ours.map((v, i) => Math.abs(v - theirs[i]!)));
console.log(`logits differ by ${furthest.toExponential(0)} at most`);
