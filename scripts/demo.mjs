// npm run demo: sets the clone up and trains AlexNet on real images for a few minutes. Arguments are
// added to those of `fovea train`: `npm run demo -- --max-steps 20` is a shorter one.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root, runScript, setUp } from "./setup.mjs";

// The notebook's plain SGD with lr 0.01 and batches of 128 stays at loss 2.30 for its first 150 steps,
// which are six minutes on two cores. Smaller batches and momentum leave that plateau in one.
const settings = {
  "batch-size": 32,
  lr: 0.01,
  momentum: 0.9,
  dropout: 0.2,
  epochs: 2,
  // The part of Fashion-MNIST that comes with Fovea: a demo should not wait for a download.
  "data-dir": join("data", "fashion-mnist-subset"),
};

await runScript(async () => {
  await setUp();
  const options = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const out = join("runs", "demo");
  const shown = options.map((option) => option.replace("=", " ")).join(" ");
  console.log(`
AlexNet on Fashion-MNIST: 46.8 million parameters, 6,000 images of 1×224×224.
These are not the notebook's settings (batch 128, lr 0.01, no momentum, ten
epochs of 60,000 images, which take hours): they are chosen so that it visibly
learns within minutes.

$ npx fovea train alexnet ${shown} --out ${out} --force
`);
  const main = join(root, "dist", "cli", "main.js");
  const args = [main, "train", "alexnet", ...options, `--out=${out}`, "--force"];
  process.on("SIGINT", () => {}); // Ctrl-C is for the training, which ends in its own way
  const { status } = spawnSync(process.execPath, [...args, ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) return status ?? 1;
  console.log(`
The learning curve is in ${join(out, "curves.svg")}; a browser shows it.
What to try next:
  npx fovea summary alexnet                every layer: shapes, parameters, work
  npx fovea train lenet --out runs/lenet   ten epochs of the small one: a minute
  npx fovea train alexnet --out runs/full  the notebook's settings: hours
  npx fovea train --help                   everything that can be set`);
  return 0;
});
