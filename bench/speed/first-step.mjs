// Fovea's side of "from process start to the first trained step": LeNet, 256 images, then one line. As a
// program of a user's would, it imports the package and nothing from inside it.

import { compile, fromTypedArray, lenet, nn, openNative, optim, setBackend } from "fovea";

const { threads, isa } = JSON.parse(process.argv[2]);
setBackend(openNative({ threads, ...(isa && { isa }) }));
const net = lenet();
const optimizer = new optim.SGD(net.parameters(), { lr: 0.9 });
const step = compile((x, y) => {
  const loss = nn.functional.crossEntropy(net(x), y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});
const pixels = Float32Array.from({ length: 256 * 28 * 28 }, (_, i) => Math.sin(i));
const labels = Int32Array.from({ length: 256 }, (_, i) => i % 10);
const loss = await step(fromTypedArray(pixels, [256, 1, 28, 28]), fromTypedArray(labels, [256]));
console.log(JSON.stringify({ loss: await loss.item() }));
