// Files as torch.save writes them, made without PyTorch: whole ones of given weights, and the parts that
// tests of damage put together otherwise.

import crc32 from "crc-32";
import type { TypedArray } from "../../src/graph/dtype.js";

export interface ZipPart {
  readonly name: string;
  readonly content: Uint8Array;
  /** What its two headers say instead of the truth. */
  readonly lie?: Partial<
    Readonly<Record<"method" | "flags" | "size" | "stored" | "offset", number>>
  >;
}

const bytes = (text: string) => Buffer.from(text, "latin1");

/** An archive of stored files. */
export function zipOf(parts: readonly ZipPart[]): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, content, lie = {} } of parts) {
    const { method = 0, flags = 0, size = content.length, stored = content.length } = lie;
    const encoded = Buffer.from(name);
    const common = Buffer.alloc(26); // what both headers have, from the version on
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeInt32LE(crc32.buf(content), 10);
    common.writeUInt32LE(stored, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(encoded.length, 22);
    chunks.push(bytes("PK\x03\x04"), common, encoded, content);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(lie.offset ?? at, 10);
    directory.push(bytes("PK\x01\x02\0\0"), common, rest, encoded);
    at += 30 + encoded.length + content.length;
  }
  const records = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.set(bytes("PK\x05\x06"));
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(records.length, 12);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...chunks, records, end]));
}

/** A file with this pickle and these storages, by key. */
export const pthOf = (
  pickle: string,
  storages: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array<ArrayBuffer> =>
  zipOf([
    { name: "net/data.pkl", content: bytes(pickle) },
    ...Object.entries(storages).map(([key, content]) => ({ name: `net/data/${key}`, content })),
    { name: "net/version", content: bytes("3\n") },
  ]);

// --------------------------------------------------------------- pickles, as text of one byte a character

const u32 = (value: number) => {
  const four = Buffer.alloc(4);
  four.writeUInt32LE(value);
  return four.toString("latin1");
};

export const text = (value: string): string => {
  const utf8 = Buffer.from(value).toString("latin1");
  return `X${u32(utf8.length)}${utf8}`;
};
export const int = (value: number): string => `J${u32(value >>> 0)}`;
export const tuple = (...items: readonly string[]): string => `(${items.join("")}t`;
export const global = (module: string, name: string): string => `c${module}\n${name}\n`;
export const call = (callee: string, ...args: readonly string[]): string =>
  `${callee}${tuple(...args)}R`;
export const dict = (entries: Readonly<Record<string, string>>): string =>
  dictOf(Object.entries(entries));

const dictOf = (entries: readonly (readonly [string, string])[]): string =>
  `}(${entries.map(([key, value]) => text(key) + value).join("")}u`;

/** A reference to a storage of the archive. */
export const storage = (key: string, length: number, type = "FloatStorage"): string =>
  `${tuple(text("storage"), global("torch", type), text(key), text("cpu"), int(length))}Q`;

export const ints = (values: readonly number[]): string => tuple(...values.map(int));

export interface View {
  readonly storage: string;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export const tensorOf = ({ storage, offset = 0, shape, strides }: View): string =>
  call(
    global("torch._utils", "_rebuild_tensor_v2"),
    storage,
    int(offset),
    ints(shape),
    ints(strides),
    "\x89",
    call(global("collections", "OrderedDict")),
  );

/** The pickle of a whole value. */
export const pickleOf = (value: string): string => `\x80\x02${value}.`;

const types = { Float32Array: "FloatStorage", Int32Array: "IntStorage", Uint8Array: "ByteStorage" };

/** A whole file of f32, i32 or u8 tensors. */
export function encodePth(
  entries: Iterable<
    readonly [string, { readonly shape: readonly number[]; readonly data: TypedArray }]
  >,
): Uint8Array<ArrayBuffer> {
  const storages: Record<string, Uint8Array> = {};
  const tensors: [string, string][] = [];
  for (const [name, { shape, data }] of entries) {
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
    const type = types[data.constructor.name as keyof typeof types];
    const place = `k${tensors.length}`;
    storages[place] = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const pickled = tensorOf({ storage: storage(place, data.length, type), shape, strides });
    tensors.push([name, pickled]);
  }
  return pthOf(pickleOf(dictOf(tensors)), storages);
}
