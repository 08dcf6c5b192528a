// What the fuzzer feeds: every parser of what may come from a stranger. Each takes an input to a valid
// result or throws a FoveaError.

import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import crc32 from "crc-32";
import { openReference } from "../../src/backends/reference/index.js";
import "../../src/engine.js";
import { decodeImage } from "../../src/data/decode.js";
import { parseIdx } from "../../src/data/idx.js";
import { gunzip } from "../../src/formats/gzip.js";
import { parsePth } from "../../src/formats/pth.js";
import { parseSafetensors } from "../../src/formats/safetensors.js";
import { load } from "../../src/look/load.js";
import { readMetrics } from "../../src/look/metrics.js";
import { lenet } from "../../src/models/lenet.js";
import { setBackend } from "../../src/runtime.js";
import { readCheckpoint } from "../../src/train/checkpoint.js";
import { readRunConfig } from "../../src/train/config.js";
import { pthOf } from "../support/pth.js";
import { lenetConfig, writeRun } from "../support/runs.js";

export interface CorpusFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Fuzzed {
  /** The most that an input may make of itself, in bytes, beside what parsing takes. */
  readonly cap: number;
  /** Words of the format, to strew in. */
  readonly words: readonly string[];
  /** Makes checksums right again, so that damage is not found by them alone; of some inputs. */
  seal?(bytes: Uint8Array<ArrayBuffer>, name: string): Uint8Array<ArrayBuffer>;
  /** Makes ready; the result parses, and throws whatever the parser does. */
  open(): Promise<FuzzTarget>;
}

export interface FuzzTarget {
  parse(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<void> | void;
  close(): Promise<void>;
}

const MB = 2 ** 20;
const plain = (parse: FuzzTarget["parse"]): (() => Promise<FuzzTarget>) => {
  return async () => ({ parse, close: async () => {} });
};

const corpus = fileURLToPath(new URL("../corpus/", import.meta.url));

/** The files of test/corpus/PARSER. */
export function corpusOf(parser: string): CorpusFile[] {
  const folder = join(corpus, parser);
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(folder, name))) }));
}

/** A folder of the fuzzer's own. */
function scratch(): { folder: string; close: () => Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), "fovea-fuzz-"));
  return { folder, close: async () => rmSync(folder, { recursive: true }) };
}

export const parsers: Readonly<Record<string, Fuzzed>> = {
  safetensors: {
    cap: 0,
    words: [
      '"__metadata__":{',
      '"dtype":"F32"',
      '"shape":[',
      '"data_offsets":[0,4]',
      "\\ud800",
      "{",
      "}",
    ],
    seal: withHeaderLength,
    open: plain((bytes) => void parseSafetensors(bytes, "input")),
  },
  pth: {
    cap: 16 * MB,
    words: [
      "ctorch\nFloatStorage\n",
      "ctorch._utils\n_rebuild_tensor_v2\n",
      "cos\nsystem\n",
      "(",
      "t",
      "R",
    ].concat([
      "Q",
      "}",
      "u.",
      "X\x01\0\0\0w",
      "PK\x01\x02",
      "PK\x05\x06",
      "PK\x06\x06",
      "\x94",
      "\x8c\x01w",
    ]),
    seal: (bytes, name) =>
      name.endsWith(".pkl")
        ? pthOf(Buffer.from(bytes).toString("latin1"), {
            0: new Uint8Array(72),
            1: new Uint8Array(8),
          })
        : bytes,
    open: plain((bytes) => void parsePth(bytes, "input")),
  },
  idx: {
    cap: 0,
    words: ["\0\0\x08\x03", "\0\0\x08\x01", "\xff\xff\xff\xff"],
    open: plain((bytes, name) => void parseIdx(bytes, name.includes("images") ? 3 : 1, "input")),
  },
  gzip: {
    cap: MB,
    words: ["\x1f\x8b\x08\0", "\0\0\xff\xff"],
    open: plain(async (bytes) => void (await gunzip(bytes, MB, "input"))),
  },
  image: {
    // 2^27 pixels, of which the header tells
    cap: 4 * 2 ** 27,
    words: [
      "IHDR",
      "IDAT",
      "IEND",
      "PLTE",
      "tRNS",
      "\xff\xd8",
      "\xff\xda",
      "\xff\xc4",
      "\xff\xdb",
      "\xff\xd9",
    ],
    seal: withChunkChecksums,
    open: plain(async (bytes) => void (await decodeImage(bytes, 3, "input"))),
  },
  config: {
    cap: 0,
    words: ["null", "{", "[", "1e999", '"model":', '"network":{'],
    open: openConfig,
  },
  checkpoint: {
    cap: 0,
    words: [
      '"steps.lr":',
      '"steps.loss":',
      '"dtype":"F32"',
      '"shape":[',
      "null",
      "-1",
      "1e999",
      "[",
    ],
    seal: withHash,
    open: openCheckpoint,
  },
  "run-folder": {
    cap: 0,
    words: [
      "null",
      "{",
      "[",
      "-1",
      "1e999",
      '"model":',
      '"lenet"',
      '"size":[',
      '"name":"Resize"',
      "65535",
    ],
    open: openRunFolder,
  },
};

async function openCheckpoint(): Promise<FuzzTarget> {
  const { folder, close } = scratch();
  const file = join(folder, "checkpoint.safetensors");
  return {
    async parse(bytes) {
      writeFileSync(file, bytes);
      await readCheckpoint(file);
    },
    close,
  };
}

async function openConfig(): Promise<FuzzTarget> {
  const { folder, close } = scratch();
  return {
    async parse(bytes) {
      writeFileSync(join(folder, "config.json"), bytes);
      await readRunConfig(folder);
    },
    close,
  };
}

/** A run of which the one file named as the corpus has it is the input. */
async function openRunFolder(): Promise<FuzzTarget> {
  const { folder, close } = scratch();
  const backend = openReference();
  setBackend(backend);
  await writeRun(folder, lenetConfig(), lenet());
  const config = readFileSync(join(folder, "config.json"));
  return {
    async parse(bytes, name) {
      writeFileSync(join(folder, name), bytes);
      try {
        if (name === "metrics.jsonl") await readMetrics(folder);
        else await (await load(folder, { workers: 0 })).close();
      } finally {
        if (name === "config.json") writeFileSync(join(folder, name), config);
      }
    },
    async close() {
      await backend.close();
      await close();
    },
  };
}

/** A safetensors file whose first 8 bytes tell where its header's last brace is. */
function withHeaderLength(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const end = bytes.lastIndexOf(0x7d);
  if (end < 8) return bytes;
  const sealed = bytes.slice();
  new DataView(sealed.buffer).setBigUint64(0, BigInt(end - 7), true);
  return sealed;
}

/** A checkpoint with the checksum that it must have. */
function withHash(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const sealed = Buffer.from(bytes);
  const key = '"sha256":"';
  const at = sealed.indexOf(key) + key.length;
  if (at < key.length || at + 64 > sealed.length) return bytes;
  sealed.write("0".repeat(64), at, "latin1");
  const hash = createHash("sha256").update(sealed).digest("hex");
  sealed.write(hash, at, "latin1");
  return new Uint8Array(sealed);
}

/** A PNG file with the checksums of its chunks as they must be. */
function withChunkChecksums(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const sealed = bytes.slice();
  const view = new DataView(sealed.buffer);
  for (let at = 8; at + 12 <= sealed.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > sealed.length) break;
    view.setInt32(end, crc32.buf(sealed.subarray(at + 4, end)));
    at = end + 4;
  }
  return sealed;
}
