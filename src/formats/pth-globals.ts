// The few names of PyTorch's that a pickled state dict needs, and what each stands for here: functions
// that describe tensors. Everything else is refused by its name. Nothing here reads a tensor's bytes.
// Browser-safe.
//
// Source: PyTorch's torch/_utils.py (the arguments of the _rebuild functions) and torch/serialization.py
// (persistent_id).

import { DataError } from "../errors.js";
import { type StoredDType, storedBytes } from "./elements.js";
import type { PickleHooks } from "./pickle.js";
import {
  PickleFunction,
  type PickleKey,
  PickleSpecial,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";
import { quote } from "./quote.js";

/** Memory that tensors are views of. */
export class StorageRef extends PickleSpecial {
  readonly what = "a storage";
  constructor(
    readonly key: string,
    readonly dtype: StoredDType,
    /** Elements. */
    readonly length: number,
  ) {
    super();
  }

  get bytes(): number {
    return this.length * storedBytes[this.dtype];
  }
}

/** A tensor, of which only the place is known: `strides` and `offset` count elements of its storage. */
export class TensorRef extends PickleSpecial {
  readonly what = "a tensor";
  constructor(
    readonly storage: StorageRef,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    /** Elements. */
    readonly size: number,
  ) {
    super();
  }
}

/** More dimensions than any tensor here has. */
const maxRank = 32;
/** More entries than all dicts of a file that Python 2 wrote have together. */
const maxPairs = 2 ** 18;

const storageTypes: Readonly<Record<string, StoredDType>> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

class StorageType extends PickleSpecial {
  constructor(
    readonly what: string,
    readonly dtype: StoredDType,
  ) {
    super();
  }
}

class TorchFunction extends PickleFunction {
  constructor(
    readonly what: string,
    readonly call: (args: readonly PickleValue[]) => PickleValue | undefined,
  ) {
    super();
  }
}

const functions: Readonly<Record<string, TorchFunction["call"]>> = {
  // (storage, offset, size, stride), then requires_grad, hooks, metadata: of no use here
  "torch._utils._rebuild_tensor": ([storage, offset, size, stride]) =>
    tensor(storage, offset, size, stride),
  "torch._utils._rebuild_tensor_v2": ([storage, offset, size, stride]) =>
    tensor(storage, offset, size, stride),
  // (data, requires_grad, hooks)
  "torch._utils._rebuild_parameter": ([data]) => (data instanceof TensorRef ? data : undefined),
  // (items)
  "torch.Size": ([items]) => (items instanceof PickleTuple ? items : undefined),
};

/** What a pickle that torch.save has written may name and point to. */
export function torchHooks(file: string): PickleHooks {
  const known = new Map<string, PickleSpecial>();
  for (const [name, call] of Object.entries(functions)) {
    known.set(name, new TorchFunction(name, call));
  }
  known.set(
    "collections.OrderedDict",
    new TorchFunction("collections.OrderedDict", orderedDicts()),
  );
  for (const [name, dtype] of Object.entries(storageTypes)) {
    known.set(`torch.${name}`, new StorageType(`torch.${name}`, dtype));
  }
  const storages = new Map<string, StorageRef>();
  return {
    global(module, name) {
      const found = known.get(`${module}.${name}`);
      if (found) return found;
      throw new DataError(
        file,
        `asks for Python's ${showName(`${module}.${name}`)}, and nothing but tensors, dicts, numbers ` +
          "and strings is read; in Python, torch.save(net.state_dict(), …) saves the weights alone",
      );
    },
    persistent(id) {
      const storage = storageOf(id, file);
      const before = storages.get(storage.key);
      if (!before) storages.set(storage.key, storage);
      else if (before.dtype !== storage.dtype || before.length !== storage.length) {
        throw new DataError(file, `is damaged: it describes storage ${quote(storage.key)} twice`);
      }
      return before ?? storage;
    },
  };
}

/** ("storage", type, key, location, elements), and in old files what it is a part of: None. */
function storageOf(id: PickleValue, file: string): StorageRef {
  const [kind, type, key, , length, view = null] = id instanceof PickleTuple ? id.items : [];
  if (view !== null) {
    throw new DataError(
      file,
      "has storages that are parts of others; save it anew with torch 1.6+",
    );
  }
  if (
    kind === "storage" &&
    type instanceof StorageType &&
    typeof key === "string" &&
    isCount(length) &&
    length <= Number.MAX_SAFE_INTEGER / 8
  ) {
    return new StorageRef(key, type.dtype, length);
  }
  throw new DataError(file, "is damaged: it points to something that is no storage");
}

function tensor(
  storage: PickleValue | undefined,
  offset: PickleValue | undefined,
  size: PickleValue | undefined,
  stride: PickleValue | undefined,
): TensorRef | undefined {
  const [shape, strides] = [counts(size), counts(stride)];
  if (!(storage instanceof StorageRef) || !isCount(offset) || !shape || !strides) return undefined;
  if (shape.length !== strides.length) return undefined;
  const elements = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);
  // where the last element is; what is too large for these sums to be exact is too large for any storage
  const last = shape.reduce((sum, n, i) => sum + (n - 1) * strides[i]!, offset);
  if (!Number.isSafeInteger(elements) || (elements > 0 && last >= storage.length)) return undefined;
  return new TensorRef(storage, offset, shape, strides, elements);
}

/** OrderedDict(), and what Python 2 wrote: OrderedDict([[key, value], …]). */
function orderedDicts(): TorchFunction["call"] {
  // each list may be given again and again
  let left = maxPairs;
  return (args) => {
    const [pairs = []] = args;
    if (args.length > 1 || !Array.isArray(pairs)) return undefined;
    left -= pairs.length;
    if (left < 0) return undefined;
    const dict = new Map<PickleKey, PickleValue>();
    for (const pair of pairs) {
      const [key, value] =
        pair instanceof PickleTuple ? pair.items : Array.isArray(pair) ? pair : [];
      if (typeof key !== "string" || value === undefined) return undefined;
      dict.set(key, value);
    }
    return dict;
  };
}

const isCount = (value: PickleValue | undefined): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

function counts(value: PickleValue | undefined): readonly number[] | undefined {
  return value instanceof PickleTuple && value.items.length <= maxRank && value.items.every(isCount)
    ? (value.items as readonly number[])
    : undefined;
}

/** As it is where it looks like one; a stranger's text may hold what moves a terminal's cursor. */
const showName = (name: string) => (/^[\w.<>]+$/.test(name) ? name : quote(name));
