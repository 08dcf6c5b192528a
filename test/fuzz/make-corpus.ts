// Makes the files of test/corpus anew, but for those of PyTorch, which are pth.golden.json's:
//
//   node scripts/fuzz.mjs --make-corpus
//
// They are small, so that damage hits what matters; one or more for each way through a parser.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync, gzipSync } from "node:zlib";
import crc32 from "crc-32";
import sharp from "sharp";
import { encodeSafetensors } from "../../src/formats/safetensors.js";
import { writeCheckpoint } from "../../src/train/checkpoint.js";
import { dict, int, pickleOf, storage, tensorOf, text } from "../support/pth.js";
import { lenetConfig } from "../support/runs.js";

function write(path: string, content: string | Uint8Array): void {
  const file = fileURLToPath(new URL(`../corpus/${path}`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const golden = (name: string) =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.golden.json`, import.meta.url), "utf8"));

export async function makeCorpus(): Promise<void> {
  safetensors();
  pth();
  idxAndGzip();
  await images();
  runs();
  await checkpoint();
}

function safetensors(): void {
  const f32 = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const entries = {
    "0.weight": f32,
    "0.bias": { shape: [3], data: Float32Array.of(1, 2, 3) },
    steps: { shape: [], data: BigInt64Array.of(5n) },
    pixels: { shape: [1, 3], data: Uint8Array.of(1, 2, 3) },
    empty: { shape: [0, 4], data: new Float32Array(0) },
  };
  const file = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks);
  write("safetensors/several", file(encodeSafetensors(Object.entries(entries), { format: "pt" })));
  write("safetensors/one", file(encodeSafetensors([["w", f32]])));
  write("safetensors/none", file(encodeSafetensors([])));
  const { writable, readable } = golden("safetensors");
  write("safetensors/names", Buffer.from(writable, "hex"));
  write("safetensors/halves", Buffer.from(readable, "hex"));
}

function pth(): void {
  const { files } = golden("pth") as { files: Record<string, string> };
  const chosen = ["protocol 2", "protocol 4", "before torch 1.6", "checkpoint", "payload 4"];
  for (const name of chosen)
    write(`pth/${name.replaceAll(" ", "-")}.pth`, Buffer.from(files[name]!, "base64"));
  const w = tensorOf({ storage: storage("0", 18), shape: [2, 1, 3, 3], strides: [9, 9, 3, 1] });
  const b = tensorOf({ storage: storage("1", 2), offset: 1, shape: [1], strides: [1] });
  const pickle = pickleOf(dict({ epoch: int(3), model: dict({ w, b }), note: text("é") }));
  write("pth/value.pkl", Buffer.from(pickle, "latin1"));
}

function idxAndGzip(): void {
  const images = Uint8Array.of(
    ...[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3],
    ...Array(12).keys(),
  );
  const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4);
  write("idx/images", images);
  write("idx/labels", labels);
  write("gzip/images", gzipSync(images));
  write("gzip/stored", gzipSync(labels, { level: 0 }));
  write("gzip/long", gzipSync(new Uint8Array(4096)));
  // a header with a name, a comment and a checksum of its own (RFC 1952: FEXTRA, FNAME, FCOMMENT, FHCRC)
  const header = Buffer.from("\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x02\0abname\0comment\0", "latin1");
  const tail = Buffer.alloc(8);
  tail.writeInt32LE(crc32.buf(labels));
  tail.writeUInt32LE(labels.length, 4);
  const checksum = Buffer.alloc(2);
  checksum.writeUInt16LE(crc32.buf(header) & 0xffff);
  write("gzip/named", Buffer.concat([header, checksum, deflateRawSync(labels), tail]));
}

async function images(): Promise<void> {
  const data = Uint8Array.from({ length: 9 * 7 * 4 }, (_, i) => (i * 37) & 255);
  const rgba = () => sharp(data, { raw: { width: 9, height: 7, channels: 4 } });
  const rgb = () => rgba().removeAlpha();
  const grey = () => rgb().greyscale();
  write("image/rgba.png", await rgba().png().toBuffer());
  write("image/interlaced.png", await rgb().png({ progressive: true }).toBuffer());
  write("image/palette.png", await rgb().png({ palette: true }).toBuffer());
  write("image/grey16.png", await grey().toColourspace("grey16").png().toBuffer());
  write("image/grey.jpg", await grey().jpeg().toBuffer());
  write("image/turned.jpg", await rgb().withMetadata({ orientation: 6 }).jpeg().toBuffer());
  write("image/progressive.jpg", await rgb().jpeg({ progressive: true }).toBuffer());
  write("image/cmyk.jpg", await rgb().toColourspace("cmyk").jpeg().toBuffer());
}

function runs(): void {
  const config = JSON.stringify(lenetConfig());
  const step = { step: 1, epoch: 1, loss: 2.3, lr: 0.9 };
  const epoch = { epoch: 1, trainLoss: 1, trainAcc: 0.5, valLoss: null, valAcc: null, testLoss: 1 };
  const rest = { testAcc: 0.5, lr: 0.9, examplesPerSecond: 10, seconds: 1, waited: 0 };
  const lines = [step, { ...step, step: 2, loss: null }, { ...epoch, ...rest }];
  write("config/lenet.json", config);
  write("config/indented.json", JSON.stringify(lenetConfig({ seed: 7 }), null, 2));
  write("run-folder/config.json", config);
  write("run-folder/metrics.jsonl", lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  write("run-folder/weights.safetensors", Buffer.concat(encodeSafetensors([])));
}

/** Of a training that is within its second epoch. */
async function checkpoint(): Promise<void> {
  const w = new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]]);
  const epoch = { epoch: 1, trainLoss: 1, trainAcc: 0.5, valLoss: null, valAcc: null, testLoss: 1 };
  const record = { ...epoch, testAcc: 0.5, lr: 0.9, examplesPerSecond: 10, seconds: 1, waited: 0 };
  const file = fileURLToPath(new URL("../corpus/checkpoint/training", import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  await writeCheckpoint(file, {
    progress: {
      epoch: 2,
      batch: 1,
      sums: { loss: 2, correct: 3, examples: 4 },
      clock: { learning: 1, passed: 2, waited: 0 },
      learnt: { examples: 8, seconds: 1 },
      steps: [1, 2, 3].map((step) => ({ step, epoch: 1 + (step >> 1), loss: 2 / step, lr: 0.9 })),
      epochs: [record],
      curve: [{ epoch: 1, trainLoss: 1, trainAcc: 0.5 }],
      best: { record, since: 1 },
      rate: { target: 0.9, lr: 0.9, schedule: null },
      random: { seed: 1, step: 3 },
    },
    weights: w,
    optimizer: w,
    best: w,
  });
}
