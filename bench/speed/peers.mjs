// What other JavaScript libraries do with a network, each in a process of its own, or why they do not.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { models, openNative, setBackend } from "fovea";
import { writeOnnx } from "fovea/formats";
import { measure } from "../../dist/cli/bench-processes.js";
import { describe } from "../peers/describe.mjs";
import { ratioOf, shortly } from "./summary.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const here = join(root, "bench", "peers");

/** What a peer gets for a network: some would take an hour for one image. */
const peerSeconds = 300;

/** Their answers for a network, beside PyTorch's medians; who cannot do it is there with its reasons. */
export async function measurePeers(model, task, torch, say) {
  const folder = mkdtempSync(join(tmpdir(), "fovea-bench-"));
  const layers = describe(models[model].build());
  const peers = {
    onnxruntime: {
      script: "onnxruntime.mjs",
      from: join(root, "package.json"),
      needs: "onnxruntime-node",
      extra: { file: join(folder, "net.onnx") },
    },
    "tfjs-wasm": {
      script: "tfjs.mjs",
      needs: "@tensorflow/tfjs",
      extra: { backend: "wasm", layers },
    },
    "tfjs-cpu": {
      script: "tfjs.mjs",
      needs: "@tensorflow/tfjs",
      extra: { backend: "cpu", layers },
    },
    "jax-js": { script: "jax.mjs", needs: "@jax-js/jax", extra: { layers } },
  };
  const results = {};
  try {
    for (const [
      name,
      { script, needs, extra, from = join(here, "package.json") },
    ] of Object.entries(peers)) {
      results[name] = await attempt(async () => {
        if (!installed(needs, from))
          throw new Error(`${needs} is not installed; npm ci --prefix bench/peers`);
        if (task.isa && name === "onnxruntime")
          throw new Error(`it cannot be kept to ${task.isa}, and uses what the machine has`);
        if (extra.file) await exportTo(extra.file, model);
        const worker = { command: process.execPath, args: [join(here, script)] };
        const answer = await measure(worker, { ...task, ...extra }, peerSeconds);
        say(`${model}, ${name}: ${shortly(answer)}`);
        const { reasons, ...medians } = answer;
        const comparable = answer.threads === torch.threads;
        return {
          medians,
          ...(comparable && { ratio: ratioOf(medians, torch) }),
          reasons: { ...reasons, ...(!comparable && { threads: "it computes on one" }) },
        };
      });
      if (results[name].reasons.all) say(`${model}, ${name}: ${results[name].reasons.all}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    return { reasons: { all: error.message.split("\n")[0] } };
  }
}

async function exportTo(file, model) {
  const backend = openNative();
  setBackend(backend);
  await writeOnnx(file, models[model].build(), models[model].input);
  await backend.close();
}

function installed(name, from) {
  try {
    createRequire(from).resolve(name);
    return true;
  } catch {
    return false;
  }
}
