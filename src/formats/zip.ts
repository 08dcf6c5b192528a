// The structure of a zip archive whose entries are stored as they are: where each one's bytes lie, and
// that they are what the archive says. Nothing is decompressed, so nothing can be larger than the file;
// names are only names and never become paths. It knows nothing of what the entries mean. Browser-safe.
//
// Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 (records) and 4.5.3 (ZIP64). Every number here is
// from a stranger: what is not exactly as the format has it is refused.

import crc32 from "crc-32";
import { DataError } from "../errors.js";
import { quote } from "./quote.js";
import { type Reads, read } from "./reads.js";

/** One file of the archive. */
export interface ZipEntry {
  readonly name: string;
  /** Where its local header begins. */
  readonly offset: number;
  /** Bytes of its content. */
  readonly size: number;
  /** Why this content is not read, such as that it is compressed. */
  readonly problem: string | undefined;
  /** CRC-32 of its content, as a signed 32-bit number. */
  readonly crc: number;
  /** Where its content must have ended: the next local header, or the directory. */
  readonly limit: number;
}

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
};

const sizes = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 };

/** No directory of an archive of tensors is larger: a hundred bytes each. */
const maxDirectoryBytes = 32 * 1024 * 1024;

/** In 16 and 32 bits, "the real number is in the ZIP64 field". */
const [elsewhere16, elsewhere32] = [0xffff, 0xffffffff];

/** Flags that do not matter to stored entries: how hard to compress, sizes follow the content, UTF-8. */
const harmlessFlags = 0x0806 | 0x0008;

/**
 * Reads the directory of an archive of `size` bytes.
 *
 * @returns Its entries by name.
 * @throws DataError if it is no zip archive, cut off, or its entries overlap.
 */
export function* readZipDirectory(size: number, file: string): Reads<Map<string, ZipEntry>> {
  const tailBytes = Math.min(size, sizes.end + sizes.locator64 + sizes.end64);
  const tail = yield* read(size - tailBytes, tailBytes);
  const directory = findDirectory(tail, size, file);
  const bytes = yield* read(directory.position, directory.length);
  const found = parseDirectory(bytes, directory.count, file);
  found.sort((a, b) => a.offset - b.offset);
  const entries = new Map<string, ZipEntry>();
  for (const [i, entry] of found.entries()) {
    const limit = found[i + 1]?.offset ?? directory.position;
    if (entry.offset + sizes.local + entry.size > limit) {
      throw new DataError(file, `is damaged: ${quote(entry.name)} reaches into what follows it`);
    }
    if (entries.has(entry.name)) {
      throw new DataError(file, `is damaged: its zip archive has ${quote(entry.name)} twice`);
    }
    entries.set(entry.name, { ...entry, limit });
  }
  return entries;
}

/**
 * Reads the content of an entry.
 *
 * @throws DataError if it is not stored as it is, its local header tells otherwise than the directory, or its checksum is wrong.
 */
export function* readZipEntry(entry: ZipEntry, file: string): Reads<Uint8Array<ArrayBuffer>> {
  const { name, offset, size, crc, limit, problem } = entry;
  if (problem !== undefined) throw new DataError(file, `${quote(name)} ${problem}`);
  const damaged = (what: string) => new DataError(file, `is damaged: ${quote(name)} ${what}`);
  const header = viewOf(yield* read(offset, sizes.local));
  const nameBytes = header.getUint16(26, true);
  const start = offset + sizes.local + nameBytes + header.getUint16(28, true);
  if (header.getUint32(0, true) !== signatures.local || start + size > limit) {
    throw damaged("is not where the archive's directory says");
  }
  const localName = new TextDecoder().decode(yield* read(offset + sizes.local, nameBytes));
  if (localName !== name || header.getUint16(8, true) !== 0) {
    throw damaged("is something else than the archive's directory says");
  }
  const content = yield* read(start, size);
  if (crc32.buf(content) !== crc)
    throw damaged("does not have the checksum that it was saved with");
  return content;
}

interface Directory {
  readonly position: number;
  readonly length: number;
  readonly count: number;
}

/** The end record, and its ZIP64 twin where there is one: where the directory is. */
function findDirectory(tail: Uint8Array, size: number, file: string): Directory {
  const view = viewOf(tail);
  const at = tail.length - sizes.end;
  if (at < 0 || view.getUint32(at, true) !== signatures.end) {
    throw new DataError(
      file,
      "is cut off, or followed by something: it does not end as a zip does",
    );
  }
  let count: number | bigint = view.getUint16(at + 10, true);
  let length: number | bigint = view.getUint32(at + 12, true);
  let position: number | bigint = view.getUint32(at + 16, true);
  const disks = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
  const whole = view.getUint16(at + 8, true) === count && view.getUint16(at + 20, true) === 0;
  let end = size - sizes.end;
  const locator = at - sizes.locator64;
  const end64 = locator - sizes.end64;
  if (end64 >= 0 && view.getUint32(locator, true) === signatures.locator64) {
    end -= sizes.locator64 + sizes.end64;
    if (
      view.getUint32(end64, true) !== signatures.end64 ||
      view.getBigUint64(locator + 8, true) !== BigInt(end) ||
      view.getBigUint64(end64 + 4, true) !== BigInt(sizes.end64 - 12)
    ) {
      throw new DataError(file, "is damaged: its ZIP64 end record is not where it must be");
    }
    const narrow = [count, length, position] as const;
    count = view.getBigUint64(end64 + 32, true);
    length = view.getBigUint64(end64 + 40, true);
    position = view.getBigUint64(end64 + 48, true);
    disks.push(view.getUint32(end64 + 16, true), view.getUint32(end64 + 20, true));
    const agree =
      agrees(narrow[0], elsewhere16, count) &&
      agrees(narrow[1], elsewhere32, length) &&
      agrees(narrow[2], elsewhere32, position);
    if (!agree) throw new DataError(file, "is damaged: its two end records contradict each other");
  }
  if (!whole || disks.some((disk) => disk !== 0)) {
    throw new DataError(
      file,
      "is a zip archive in several parts or with a comment; expected neither",
    );
  }
  // The directory must fill what lies between its beginning and its end record.
  if (BigInt(position) + BigInt(length) !== BigInt(end)) {
    throw new DataError(file, "is damaged: its zip directory is not where its end record says");
  }
  if (length > maxDirectoryBytes) {
    throw new DataError(
      file,
      `has a zip directory of ${length} bytes; expected at most ${maxDirectoryBytes}`,
    );
  }
  return { position: Number(position), length: Number(length), count: Number(count) };
}

const agrees = (narrow: number, elsewhere: number, wide: bigint) =>
  narrow === elsewhere || BigInt(narrow) === wide;

type FoundEntry = Omit<ZipEntry, "limit">;

function parseDirectory(bytes: Uint8Array, count: number, file: string): FoundEntry[] {
  const view = viewOf(bytes);
  const found: FoundEntry[] = [];
  const names = new TextDecoder("utf-8", { fatal: true });
  const damaged = () => new DataError(file, "is damaged: its zip directory is not one");
  let at = 0;
  while (at < bytes.length) {
    if (at + sizes.central > bytes.length) throw damaged();
    if (view.getUint32(at, true) !== signatures.central) throw damaged();
    const nameEnd = at + sizes.central + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > bytes.length) throw damaged();
    let name: string;
    try {
      name = names.decode(bytes.subarray(at + sizes.central, nameEnd));
    } catch {
      throw damaged();
    }
    found.push(
      parseEntry(new DataView(view.buffer, view.byteOffset + at, extraEnd - at), name, file),
    );
    at = next;
  }
  if (found.length !== count) {
    throw new DataError(file, `is damaged: it says ${count} files and has ${found.length}`);
  }
  return found;
}

/** One record of the directory. */
function parseEntry(record: DataView, name: string, file: string): FoundEntry {
  const refuse = (problem: string) => new DataError(file, `${quote(name)} ${problem}`);
  const flags = record.getUint16(8, true);
  const method = record.getUint16(10, true);
  const nameBytes = record.getUint16(28, true);
  const wide = wideFields(record, sizes.central + nameBytes);
  const field = (at: number): number => {
    const value = record.getUint32(at, true);
    if (value !== elsewhere32) return value;
    const long = wide.next();
    if (long.done) throw refuse("lacks a ZIP64 field");
    if (long.value > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse("is larger than any file");
    return Number(long.value);
  };
  // in this order, whichever of them are there (4.5.3)
  const [whole, size, offset] = [field(24), field(20), field(42)];
  const problem =
    method !== 0
      ? `is compressed (method ${method}); torch.save only stores: save it anew with it`
      : (flags & ~harmlessFlags) !== 0
        ? "is encrypted or of an unknown kind"
        : whole !== size
          ? `takes ${size} bytes for its ${whole}, without compression`
          : undefined;
  return { name, offset, size, crc: record.getInt32(16, true), problem };
}

/** The 64-bit numbers of a record's ZIP64 field (0x0001), one after the other. */
function* wideFields(record: DataView, start: number): Generator<bigint, undefined> {
  for (let at = start; at + 4 <= record.byteLength; ) {
    const end = at + 4 + record.getUint16(at + 2, true);
    if (record.getUint16(at, true) === 1) {
      const last = Math.min(end, record.byteLength);
      for (let p = at + 4; p + 8 <= last; p += 8) yield record.getBigUint64(p, true);
      return;
    }
    at = end;
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
