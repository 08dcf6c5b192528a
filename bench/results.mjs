// The trainings behind docs/results.md: each network on the whole of Fashion-MNIST, in Fovea and in
// PyTorch with the same options. Hours of work: every training leaves a file in bench/results/, and
// one whose file is there is not run again.
//
//   node bench/results.mjs [NAME…]       (needs npm run setup, and for PyTorch's side bench/torch_train.py's)
//   node bench/results.mjs --list

import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "bench", "results");
const python = process.env.FOVEA_PYTHON ?? "/usr/bin/python3";
const threads = process.env.OMP_NUM_THREADS ?? "2";

/** PyTorch's options for what `fovea train NAME` does unasked (src/models/registry.ts). */
const recipes = {
  lenet: ["--lr", "0.9", "--batch-size", "256", "--init", "xavier", "--epochs", "10"],
  "vgg11-small": ["--optimizer", "adam", "--lr", "0.001", "--batch-size", "16", "--epochs", "5"],
  nin: ["--optimizer", "adam", "--lr", "0.002", "--batch-size", "128", "--epochs", "2"],
  googlenet: ["--optimizer", "adam", "--lr", "0.001", "--batch-size", "16", "--epochs", "5"],
  alexnet: ["--lr", "0.01", "--batch-size", "128", "--init", "xavier", "--epochs", "2"],
};

const better = ["--augment", "light", "--schedule", "cosine"];

/** By the name of the file that it leaves. */
const trainings = {
  ...both("lenet", 0),
  ...both("lenet", 1),
  ...both("lenet", 2),
  // Whether these two learn is a matter of luck, with Fovea's seeds and PyTorch's (docs/results.md).
  ...both("vgg11-small", 0, 6),
  ...both("googlenet", 0, 2),
  ...both("alexnet", 0),
  ...both("nin", 0),
  ...both("nin", 1),
  "nin-seed2": fovea("nin", ["--seed", "2", "--epochs", "2"]),
  "nin-seed3": fovea("nin", ["--seed", "3", "--epochs", "2"]),
  // From weights with which all seeds learn, for as long as augmentation takes to pay.
  "vgg11-small-xavier": fovea("vgg11-small", ["--init", "xavier", "--epochs", "8"]),
  "vgg11-small-better": fovea("vgg11-small", ["--init", "xavier", ...better, "--epochs", "8"]),
  "googlenet-better": fovea("googlenet", [...better, "--epochs", "5"]),
};

/** With so many epochs as an hour allows PyTorch, which is fewer than the recipe's for some. */
function both(model, seed, ownSeed = seed) {
  const name = seed === 0 ? model : `${model}-seed${seed}`;
  const epochs = recipes[model].slice(recipes[model].indexOf("--epochs"));
  const isWhole = model !== "alexnet" && model !== "nin";
  return {
    [name]: fovea(model, ["--seed", String(ownSeed), ...(isWhole ? [] : epochs)]),
    [`${name}-torch`]: torch(model, [...recipes[model], "--seed", String(seed)]),
  };
}

function fovea(model, options) {
  return { tool: "fovea", model, args: ["train", model, ...options] };
}

function torch(model, options) {
  return { tool: "torch", model, args: [model, ...options] };
}

const line =
  /^epoch (\d+), loss ([\d.]+), train acc ([\d.]+), test acc ([\d.]+), time ([\d.]+) sec$/;

async function run(name, { tool, model, args }) {
  const scratch = mkdtempSync(join(tmpdir(), "fovea-results-"));
  const out = join(scratch, "run");
  const [command, words, shown] =
    tool === "fovea"
      ? [
          process.execPath,
          ["dist/cli/main.js", ...args, "--out", out],
          `npx fovea ${args.join(" ")}`,
        ]
      : [
          python,
          ["bench/torch_train.py", ...args],
          `python3 bench/torch_train.py ${args.join(" ")}`,
        ];
  const epochs = [];
  try {
    const child = spawn(command, words, {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, OMP_NUM_THREADS: threads },
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      process.stdout.write(chunk);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    if (code !== 0) throw new Error(`${shown} ended with exit code ${code}`);
    for (const [, epoch, trainLoss, trainAcc, testAcc, seconds] of text
      .split("\n")
      .map((l) => line.exec(l) ?? [])
      .filter((match) => match.length > 0)) {
      epochs.push({
        epoch: +epoch,
        trainLoss: +trainLoss,
        trainAcc: +trainAcc,
        testAcc: +testAcc,
        seconds: +seconds,
      });
    }
    if (tool === "fovea") copyFileSync(join(out, "curves.svg"), join(folder, `${name}.svg`));
    const config = join(out, "config.json");
    const { computedBy } = existsSync(config) ? JSON.parse(readFileSync(config, "utf8")) : {};
    return {
      name,
      model,
      tool,
      command: shown,
      date: new Date().toISOString().slice(0, 10),
      threads: +threads,
      cpu: cpus()[0].model,
      computedBy,
      epochs,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--list") {
  for (const [name, { tool, args }] of Object.entries(trainings)) {
    const state = existsSync(join(folder, `${name}.json`)) ? "done" : "open";
    console.log(`${state}  ${name}: ${tool} ${args.join(" ")}`);
  }
} else {
  mkdirSync(folder, { recursive: true });
  const wanted = first === undefined ? Object.keys(trainings) : [first, ...rest];
  for (const name of wanted) {
    const file = join(folder, `${name}.json`);
    if (!trainings[name]) throw new Error(`there is no training "${name}"; --list shows all`);
    if (existsSync(file)) continue;
    console.log(`== ${name}`);
    writeFileSync(file, `${JSON.stringify(await run(name, trainings[name]), null, 2)}\n`);
  }
}
