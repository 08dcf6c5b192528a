// Cuts data/fashion-mnist-subset from the real Fashion-MNIST: the first 600 training and the first
// 100 test images of each class, in the order of the real set. Same input, same bytes.
//
//   node scripts/make-subset.mjs FOLDER      a folder with the four published .gz files

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";

const folder = process.argv[2];
if (!folder) {
  console.error("usage: node scripts/make-subset.mjs FOLDER");
  process.exit(2);
}
const out = fileURLToPath(new URL("../data/fashion-mnist-subset/", import.meta.url));
mkdirSync(out, { recursive: true });

const classes = 10;
const pixels = 28 * 28;
for (const [part, perClass] of [
  ["train", 600],
  ["t10k", 100],
]) {
  const imageFile = `${part}-images-idx3-ubyte.gz`;
  const labelFile = `${part}-labels-idx1-ubyte.gz`;
  const images = gunzipSync(readFileSync(join(folder, imageFile)));
  const labels = gunzipSync(readFileSync(join(folder, labelFile)));
  const taken = new Array(classes).fill(0);
  const chosen = [];
  for (let i = 0; 8 + i < labels.length; i++) {
    if (taken[labels[8 + i]]++ < perClass) chosen.push(i);
  }
  const count = Buffer.alloc(4);
  count.writeUInt32BE(chosen.length);
  // The headers of the real files, with the new count in place of theirs.
  write(imageFile, [
    images.subarray(0, 4),
    count,
    images.subarray(8, 16),
    ...chosen.map((i) => images.subarray(16 + i * pixels, 16 + (i + 1) * pixels)),
  ]);
  write(labelFile, [labels.subarray(0, 4), count, Buffer.from(chosen.map((i) => labels[8 + i]))]);
}

function write(name, parts) {
  const bytes = gzipSync(Buffer.concat(parts), { level: 9 });
  bytes[9] = 255; // the operating system's number: "unknown", so that every machine writes the same
  writeFileSync(join(out, name), bytes);
  console.log(`${name}: ${bytes.length} bytes`);
}
