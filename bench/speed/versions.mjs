// What was measured: versions, and the commit.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Versions of everything that is measured; null for what is not there. */
export function versionsOf(python) {
  const versionOf = (name, from) => {
    try {
      let folder = dirname(createRequire(from).resolve(name));
      while (!existsSync(join(folder, "package.json")) || !nameIn(folder).startsWith(name))
        folder = dirname(folder);
      return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
    } catch {
      return null;
    }
  };
  const nameIn = (folder) =>
    JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name ?? "";
  const asked = spawnSync(python, ["-c", "import torch; print(torch.__version__)"], {
    encoding: "utf8",
  });
  const own = join(root, "package.json");
  const peers = join(root, "bench", "peers", "package.json");
  return {
    fovea: JSON.parse(readFileSync(own, "utf8")).version,
    node: process.versions.node,
    torch: asked.stdout.trim(),
    "onnxruntime-node": versionOf("onnxruntime-node", own),
    "@tensorflow/tfjs": versionOf("@tensorflow/tfjs", peers),
    "@jax-js/jax": versionOf("@jax-js/jax", peers),
  };
}

/** The commit that is measured; null outside of a clone. */
export function commitOf() {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return null;
  }
}
