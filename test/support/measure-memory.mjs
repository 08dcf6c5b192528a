// What a process of its own holds after so many steps of a network, or so many plans: a JSON line for each of
// the counts that are asked for, with its resident memory, the buffers that the addon counts, and the JavaScript
// heap, in bytes. It knows nothing of what they should be. Needs --expose-gc.
//
//   node --expose-gc test/support/measure-memory.mjs steps lenet 256 28 100,1000
//   node --expose-gc test/support/measure-memory.mjs plans lenet 8 28 20,100

import { openNative } from "../../dist/backends/native/index.js";
import { fromTypedArray, models, optim, setBackend } from "../../dist/node.js";
import { trainStep } from "../../dist/train/steps.js";

const [what, name, batch, side, counts] = process.argv.slice(2);
const wanted = counts.split(",").map(Number);
const backend = openNative();
setBackend(backend);

function makeStep() {
  const net = models[name].build({ inChannels: 1, numClasses: 10, inputSize: [+side, +side] });
  const optimizer = new optim.SGD(net.parameters(), { lr: 0.001, momentum: 0.9 });
  net.train();
  return trainStep(net, optimizer);
}

/** A batch as a loader gives it, new each time. */
async function run(step, images) {
  const pixels = new Uint8Array(images * side * side).map((_, i) => (i * 37) & 255);
  const labels = new Int32Array(images).map((_, i) => i % 10);
  const x = fromTypedArray(pixels, [images, 1, +side, +side]);
  const { loss, correct } = await step(x, fromTypedArray(labels, [images]));
  return [await loss.item(), await correct.item()];
}

/** Twice, with turns between them: what one finds, the next gives back. */
async function collected() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { resident: rss, held: backend.heldBytes(), heap: heapUsed };
}

const step = what === "steps" ? makeStep() : undefined;
for (let count = 1; count <= wanted.at(-1); count++) {
  if (step) await run(step, +batch);
  else {
    // of another network and another batch each time: no plan is like one before
    const fresh = makeStep();
    await run(fresh, +batch + (count % 10));
    fresh.dispose();
  }
  if (wanted.includes(count)) console.log(JSON.stringify({ count, ...(await collected()) }));
}
