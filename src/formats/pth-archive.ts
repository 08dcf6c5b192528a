// The two ways in which torch.save has laid out a file: since 1.6 a zip archive, before that pickles and
// raw numbers one after the other. Both give a pickled value, and the bytes of its storages. What the
// value is for is pth.ts's. Browser-safe.
//
// Source: PyTorch's torch/serialization.py (_save, _legacy_save, _legacy_load) and
// caffe2/serialize/inline_container.h.

import { DataError } from "../errors.js";
import { type PickleHooks, runPickle } from "./pickle.js";
import type { PickleValue } from "./pickle-values.js";
import { StorageRef, torchHooks } from "./pth-globals.js";
import { quote } from "./quote.js";
import { type Reads, read } from "./reads.js";
import { readZipDirectory, readZipEntry, type ZipEntry } from "./zip.js";

/** A file that torch.save wrote, opened. */
export interface PthArchive {
  readonly value: PickleValue;
  /** Where a storage's bytes begin, for reading storages in their order. */
  position(storage: StorageRef): number;
  readStorage(storage: StorageRef): Reads<Uint8Array<ArrayBuffer>>;
}

/** A network of ten thousand tensors, and its optimizer's state, take less than 5 MB. */
const maxPickleBytes = 16 * 1024 * 1024;

/** What the pickled number 0x1950a86a20f9469cfc6c looks like, with which files began before torch 1.6. */
const legacyMagic = Uint8Array.of(
  ...[0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e],
);
const zipMagic = Uint8Array.of(0x50, 0x4b, 0x03, 0x04);

/** Which of the two a file is, by its first 16 bytes; undefined for anything else. */
export function pthKind(start: Uint8Array): "zip" | "legacy" | undefined {
  if (startsWith(start, zipMagic)) return "zip";
  return startsWith(start, legacyMagic) ? "legacy" : undefined;
}

const startsWith = (bytes: Uint8Array, start: Uint8Array) =>
  start.every((byte, i) => bytes[i] === byte);

/** Opens a file of `size` bytes. Reads no storage yet. */
export function* openPth(size: number, file: string): Reads<PthArchive> {
  const start = yield* read(0, Math.min(16, size));
  const kind = pthKind(start);
  if (kind === "zip") return yield* openZip(size, file);
  if (kind === "legacy") return yield* openLegacy(size, file);
  if (start[0] === 0x80) {
    throw new DataError(file, "is a Python pickle, but not one that torch.save has written");
  }
  throw new DataError(file, "is not a file that torch.save has written");
}

// --------------------------------------------------------------- since torch 1.6

/** NAME/data.pkl, NAME/data/0, NAME/data/1, …; the rest are versions and the like. */
function* openZip(size: number, file: string): Reads<PthArchive> {
  const entries = yield* readZipDirectory(size, file);
  const pickles = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickled] = pickles;
  if (!pickled || pickles.length > 1) {
    throw new DataError(file, "is a zip archive, but not one that torch.save has written");
  }
  const root = pickled.name.slice(0, -"data.pkl".length);
  if (entries.has(`${root}constants.pkl`)) {
    throw new DataError(
      file,
      "is a program (TorchScript), which is not read; in Python, " +
        "torch.save(net.state_dict(), …) saves the weights alone",
    );
  }
  yield* checkOrder(entries.get(`${root}byteorder`), file);
  checkPickleBytes(pickled.size, file);
  const bytes = yield* readZipEntry(pickled, file);
  const { value, end } = runPickle(bytes, 0, torchHooks(file), file);
  if (end !== bytes.length)
    throw new DataError(file, "is damaged: its pickle goes on after its end");

  const entryOf = (storage: StorageRef): ZipEntry => {
    const entry = entries.get(`${root}data/${storage.key}`);
    if (entry?.size === storage.bytes) return entry;
    throw new DataError(
      file,
      `is damaged: storage ${quote(storage.key)} has ` +
        `${entry?.size ?? "no"} bytes; expected ${storage.bytes}`,
    );
  };
  return {
    value,
    position: (storage) => entryOf(storage).offset,
    readStorage: (storage) => readZipEntry(entryOf(storage), file),
  };
}

/** Files of torch 2.1 and later say in which order a number's bytes are. */
function* checkOrder(entry: ZipEntry | undefined, file: string): Reads<void> {
  if (!entry) return;
  const order =
    entry.size > 16 ? "none" : new TextDecoder().decode(yield* readZipEntry(entry, file));
  if (order !== "little") throw bigEndian(file);
}

// --------------------------------------------------------------- before torch 1.6

/**
 * Pickles: a magic number, the version, facts of the machine, the value, the storages' keys. Then, for
 * each key in that order, its number of elements (i64) and the elements.
 */
function* openLegacy(size: number, file: string): Reads<PthArchive> {
  const bytes = yield* read(0, Math.min(size, maxPickleBytes));
  const storages = new Map<string, StorageRef>();
  const hooks = torchHooks(file);
  const noting: PickleHooks = {
    global: hooks.global,
    persistent(id) {
      const storage = hooks.persistent(id);
      if (storage instanceof StorageRef) storages.set(storage.key, storage);
      return storage;
    },
  };
  let at = 0;
  const next = (): PickleValue => {
    const { value, end } = runPickle(bytes, at, noting, file);
    at = end;
    return value;
  };
  next(); // the magic number
  const [version, machine, value, keys] = [next(), next(), next(), next()];
  if (version !== 1001 || !(machine instanceof Map) || !Array.isArray(keys)) {
    throw new DataError(file, "is damaged, or of a version before torch 0.1.10");
  }
  if (machine.get("little_endian") !== true) throw bigEndian(file);

  const positions = new Map<StorageRef, number>();
  let position = at;
  for (const key of keys) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (!storage || positions.has(storage)) {
      throw new DataError(file, "is damaged: it lists other storages than it describes");
    }
    positions.set(storage, position);
    position += 8 + storage.bytes;
  }
  if (position !== size || positions.size !== storages.size) {
    throw new DataError(file, `is ${size} bytes long; its storages would end at ${position}`);
  }
  const positionOf = (storage: StorageRef) => positions.get(storage)!;
  return {
    value,
    position: positionOf,
    *readStorage(storage) {
      const head = yield* read(positionOf(storage), 8);
      if (new DataView(head.buffer).getBigInt64(0, true) !== BigInt(storage.length)) {
        throw new DataError(
          file,
          `is damaged: storage ${quote(storage.key)} is not where it must be`,
        );
      }
      return yield* read(positionOf(storage) + 8, storage.bytes);
    },
  };
}

function checkPickleBytes(bytes: number, file: string): void {
  if (bytes <= maxPickleBytes) return;
  throw new DataError(file, `has a pickle of ${bytes} bytes; expected at most ${maxPickleBytes}`);
}

const bigEndian = (file: string) =>
  new DataError(file, "was written by a machine with another order of bytes (big-endian)");
