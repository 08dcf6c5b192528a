// Chapter 3 of the course (docs/course/03-vgg.md): VGG, a network of equal blocks, and a small one trained.
//
//   npm run example -- examples/03-vgg.ts [STEPS]

import { manualSeed, nn, optim, type VggStage, vgg, vgg11Small, vggBlock, zeros } from "fovea";
import { DataLoader, loadFashionMnistSubset, Resize } from "fovea/data";
import { fit } from "fovea/train";

manualSeed(0);

console.log(String(vggBlock(2, 128, 256)));
console.log(vggBlock(2, 128, 256)(zeros([1, 128, 56, 56])).shape);

const numbers = (net: nn.AnyModule) => [...net.parameters()].reduce((sum, p) => sum + p.numel(), 0);
console.log("one 5×5: ", numbers(new nn.Conv2d(256, 256, 5)));
console.log("two 3×3: ", 2 * numbers(new nn.Conv2d(256, 256, 3)));
console.log("one 7×7: ", numbers(new nn.Conv2d(256, 256, 7)));
console.log("three 3×3:", 3 * numbers(new nn.Conv2d(256, 256, 3)));

const convArch: VggStage[] = [
  [1, 1, 64], // convolutions, channels in, channels out
  [1, 64, 128],
  [2, 128, 256],
  [2, 256, 512],
  [2, 512, 512],
];
const net = vgg(convArch, 512 * 7 * 7); // 224 halved five times is 7
let x = zeros([1, 1, 224, 224]);
for (const [name, block] of net.namedChildren()) {
  x = block(x);
  console.log(name, "output shape:", x.shape);
}

const ratio = 8;
const small = vgg(
  convArch.map(([n, from, to]) => [n, from === 1 ? 1 : from / ratio, to / ratio]),
  (512 * 7 * 7) / ratio,
  4096 / ratio,
);
console.log(String(small));
console.log(numbers(net), "parameters, and", numbers(small));

const data = await loadFashionMnistSubset();
const learner = vgg11Small({ inputSize: [96, 96] }); // 224×224 in the notebook
for (const p of learner.parameters()) if (p.dim() > 1) nn.init.kaimingNormal(p);
const transforms = [Resize(96)];
const { epochs, steps } = await fit(learner, {
  train: new DataLoader(data.train, { batchSize: 16, shuffle: true, transforms }),
  test: new DataLoader(data.test, { batchSize: 100, limit: 500, transforms }),
  optimizer: new optim.Adam(learner.parameters(), { lr: 0.001 }),
  epochs: 1,
  maxSteps: Number(process.argv[2] ?? 200),
});
const mean = (losses: number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
const losses = steps.map((step) => step.loss);
console.log("loss of the first 10 steps", mean(losses.slice(0, 10)).toFixed(3));
console.log("loss of the last 10 steps ", mean(losses.slice(-10)).toFixed(3));
console.log("test accuracy", epochs[0]!.testAcc!.toFixed(3));
