// Chapter 5 of the course (docs/course/05-googlenet.md): the Inception block, counted, and GoogLeNet.
//
//   npm run example -- examples/05-googlenet.ts [STEPS]

import { cat, googlenet, Inception, manualSeed, nn, optim, type Tensor, zeros } from "fovea";
import { DataLoader, loadFashionMnistSubset, Resize } from "fovea/data";
import { fit } from "fovea/train";

const { Conv2d, MaxPool2d } = nn;
manualSeed(0);

class FourPaths extends nn.Module {
  readonly p1 = new Conv2d(192, 64, 1);
  readonly p2 = new nn.Sequential(
    new Conv2d(192, 96, 1),
    new nn.ReLU(),
    new Conv2d(96, 128, 3, { padding: 1 }),
  );
  readonly p3 = new nn.Sequential(
    new Conv2d(192, 16, 1),
    new nn.ReLU(),
    new Conv2d(16, 32, 5, { padding: 2 }),
  );
  readonly p4 = new nn.Sequential(
    new MaxPool2d(3, { stride: 1, padding: 1 }),
    new Conv2d(192, 32, 1),
  );

  override forward(x: Tensor): Tensor {
    const paths = [this.p1(x), this.p2(x), this.p3(x), this.p4(x)];
    return cat(
      paths.map((path) => path.relu()),
      1,
    ); // one after the other, in the channels
  }
}
const input = zeros([1, 192, 12, 12]);
console.log("written here:", new FourPaths()(input).shape);
console.log("Fovea's own: ", new Inception(192, 64, [96, 128], [16, 32], 32)(input).shape);

const { p2, p3 } = new FourPaths();
const ways: [string, nn.Network][] = [
  ["3×3 on 192 channels", new Conv2d(192, 128, 3, { padding: 1 })],
  ["1×1 to 96, then 3×3", p2],
  ["5×5 on 192 channels", new Conv2d(192, 32, 5, { padding: 2 })],
  ["1×1 to 16, then 5×5", p3],
];
for (const [way, layers] of ways) {
  const { macs, parameters } = nn.summarize(layers, [1, 192, 12, 12]);
  console.log(`${way}: ${macs} multiply-adds, ${parameters} parameters`);
}

const net = googlenet();
let x = zeros([1, 1, 96, 96]);
for (const block of net) {
  x = block(x);
  console.log("output shape:", x.shape);
}

for (const [name, module] of net.namedModules()) {
  if (!(module instanceof Inception)) continue;
  const { p1_1, p2_2, p3_2, p4_2 } = module;
  const channels = [p1_1, p2_2, p3_2, p4_2].map((path) => path.weight.shape[0]!);
  console.log(
    name,
    `${p1_1.weight.shape[1]} → ${channels.join(" + ")} =`,
    channels.reduce((a, b) => a + b),
  );
}

const data = await loadFashionMnistSubset();
const transforms = [Resize(48)]; // 96 in the notebook
for (const p of net.parameters()) if (p.dim() > 1) nn.init.kaimingNormal(p);
const { epochs, steps } = await fit(net, {
  train: new DataLoader(data.train, { batchSize: 16, shuffle: true, transforms }),
  test: new DataLoader(data.test, { batchSize: 100, limit: 500, transforms }),
  optimizer: new optim.Adam(net.parameters(), { lr: 0.001 }),
  epochs: 1,
  maxSteps: Number(process.argv[2] ?? 200),
});
const mean = (losses: number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
const losses = steps.map((step) => step.loss);
console.log("loss of the first 10 steps", mean(losses.slice(0, 10)).toFixed(3));
console.log("loss of the last 10 steps ", mean(losses.slice(-10)).toFixed(3));
console.log("test accuracy", epochs[0]!.testAcc!.toFixed(3));
