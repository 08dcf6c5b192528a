import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  call,
  dict,
  encodePth,
  global,
  pickleOf,
  pthOf,
  storage,
  tensorOf,
  text,
  type View,
} from "../../test/support/pth.js";
import { DataError } from "../errors.js";
import type { TensorEntry } from "./elements.js";
import { type PthOptions, parsePth } from "./pth.js";
import { readPth } from "./pth-file.js";
import { readShapes, readTensors } from "./tensors-file.js";

interface Stored {
  readonly dtype: TensorEntry["dtype"];
  readonly shape: readonly number[];
  readonly bits: string;
}
const golden = JSON.parse(
  await readFile(new URL("../../test/golden/pth.golden.json", import.meta.url), "utf8"),
) as Record<"every" | "weights", Record<string, Stored>> & { files: Record<string, string> };

const fileOf = (name: string) => new Uint8Array(Buffer.from(golden.files[name]!, "base64"));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-pth-"));
});
afterAll(() => rm(folder, { recursive: true }));

const described = (tensors: ReadonlyMap<string, TensorEntry>): Record<string, Stored> =>
  Object.fromEntries(
    [...tensors].map(([name, { dtype, shape, data }]) => {
      const bits = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");
      return [name, { dtype, shape, bits }];
    }),
  );

/** What reading it says: an error's text, or the names of the tensors. */
function outcome(bytes: Uint8Array, options?: PthOptions): string {
  try {
    return [...parsePth(bytes, "w.pth", options).keys()].join();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }
}

describe("files that torch.save wrote", () => {
  const layouts = ["protocol 2", "protocol 3", "protocol 4", "protocol 5", "before torch 1.6"];

  it.each(layouts)("%s: every element type, views and shared storages, bit for bit", (name) => {
    const tensors = parsePth(fileOf(name));
    expect([...tensors.keys()]).toEqual(Object.keys(golden.every));
    expect(described(tensors)).toEqual(golden.every);
  });

  it.each(layouts)("%s: the same from a file on disk", async (name) => {
    const file = join(folder, "every");
    await writeFile(file, fileOf(name));
    expect(described(await readPth(file))).toEqual(golden.every);
    expect(described(await readTensors(file))).toEqual(golden.every);
    const shapes = Object.entries(golden.every).map(([key, { shape }]) => [key, shape]);
    expect([...(await readShapes(file))]).toEqual(shapes);
  });

  it("finds the one state dict of a checkpoint, beside numbers and an optimizer's state", () => {
    expect(described(parsePth(fileOf("checkpoint")))).toEqual(golden.weights);
    expect(described(parsePth(fileOf("checkpoint"), "w.pth", { key: "state_dict" }))).toEqual(
      golden.weights,
    );
  });

  it("names the keys where there are several, or none", () => {
    expect(outcome(fileOf("two"))).toBe(
      'w.pth: has several state dicts, under "model", "model_ema"; in Python, ' +
        'torch.save(torch.load(…)["model"], …) saves one of them',
    );
    expect(described(parsePth(fileOf("two"), "w.pth", { key: "model_ema" }))).toEqual(
      golden.weights,
    );
    expect(outcome(fileOf("two"), { key: "ema" })).toBe(
      'w.pth: has no state dict under "ema"; its keys are "model", "model_ema", "epoch"',
    );
    expect(outcome(fileOf("no tensors"))).toBe(
      'w.pth: has no state dict, which is a dict of nothing but tensors; its keys are "lr", "names"',
    );
    expect(outcome(fileOf("list"))).toBe("w.pth: holds no dict; expected a state dict");
    expect(outcome(fileOf("tensor"))).toBe(
      "w.pth: holds one tensor without a name; expected a state dict",
    );
  });

  it("gives every tensor memory of its own", () => {
    const [first, second] = [fileOf("two"), fileOf("two")];
    const tensors = parsePth(first, "w.pth", { key: "model" });
    first.fill(0);
    expect(described(tensors)).toEqual(described(parsePth(second, "w.pth", { key: "model" })));
  });
});

describe("files that would run code", () => {
  const refusal = (name: string) =>
    `w.pth: asks for Python's ${name}, and nothing but tensors, dicts, numbers and strings is read; ` +
    "in Python, torch.save(net.state_dict(), …) saves the weights alone";

  // made by pickling an object whose __reduce__ is os.system with a command
  it.each(["payload 2", "payload 4", "payload before torch 1.6"])("%s", (name) => {
    expect(outcome(fileOf(name))).toBe(refusal("posix.system"));
  });

  it("and whole modules, which are more than weights", () => {
    expect(outcome(fileOf("module"))).toBe(refusal("torch.nn.modules.container.Sequential"));
    expect(outcome(fileOf("script"))).toBe(
      "w.pth: is a program (TorchScript), which is not read; in Python, " +
        "torch.save(net.state_dict(), …) saves the weights alone",
    );
  });

  it.each([
    ["eval", call(global("builtins", "eval"), text("1"))],
    ["a class of the allowed module", global("torch._utils", "_rebuild_qtensor")],
    ["what objects inherit", global("constructor", "constructor")],
    ["an old instance", "(ios\nsystem\n"],
    ["a name with protocol 4's opcode", `${text("os")}${text("system")}\x93`],
    ["a name that would move the cursor", global("os", "\x1b[2J")],
  ])("by the name of the global: %s", (_, value) => {
    expect(outcome(pthOf(pickleOf(dict({ weight: value }))))).toMatch(
      /^w\.pth: asks for Python's ("os\.\\u001b\[2J"|[\w.]+), and nothing but tensors/,
    );
  });
});

const floats = (...values: readonly number[]) => new Uint8Array(new Float32Array(values).buffer);
const one = (view: Partial<View>, storages: Record<string, Uint8Array> = { 0: floats(1, 2, 3) }) =>
  pthOf(
    pickleOf(
      dict({ w: tensorOf({ storage: storage("0", 3), shape: [3], strides: [1], ...view }) }),
    ),
    storages,
  );

describe("tensors that reach out of their storage", () => {
  const damaged =
    /^w\.pth: is damaged, or not what torch\.save writes: it calls torch\._utils\._rebuild_tensor_v2 with arguments that do not fit \(byte \d+ of its pickle\)$/;
  it.each([
    ["too long", { shape: [4] }],
    ["too far", { offset: 1 }],
    ["too wide", { shape: [2], strides: [3] }],
    ["overflow", { shape: [2, 2], strides: [0x7fffffff, 0x7fffffff] }],
    ["huge", { shape: Array(8).fill(0x7fffffff), strides: Array(8).fill(0) }],
    ["negative", { shape: [-3] }],
    ["negative strides", { offset: 2, strides: [-1] }],
    ["another rank", { shape: [3, 1] }],
    ["a rank of 33", { shape: Array(33).fill(1), strides: Array(33).fill(1) }],
  ] as [string, Partial<View>][])("%s", (_, view) => {
    expect(outcome(one(view))).toMatch(damaged);
  });

  it("but not empty ones, wherever they are", () => {
    const view = { offset: 7, shape: [0, 0x7fffffff], strides: [1, 1] };
    expect(parsePth(one(view)).get("w")).toEqual({
      dtype: "f32",
      shape: [0, 0x7fffffff],
      data: new Float32Array(0),
    });
  });

  it("nor what repeats a storage a little; far more than the file's length is refused unread", () => {
    const repeated = (times: number) => one({ shape: [times, 3], strides: [0, 1] });
    expect(parsePth(repeated(1000)).get("w")!.data.length).toBe(3000);
    expect(outcome(repeated(2_000_000))).toMatch(
      /^w\.pth: describes 24000000 bytes of tensors, but is only \d+ long; expected at most 8 times that$/,
    );
  });

  it("and storages that are not as long as they are said to be", () => {
    expect(outcome(one({}, { 0: floats(1, 2) }))).toBe(
      'w.pth: is damaged: storage "0" has 8 bytes; expected 12',
    );
    expect(outcome(one({}, {}))).toBe('w.pth: is damaged: storage "0" has no bytes; expected 12');
    const twice = dict({
      a: tensorOf({ storage: storage("0", 3), shape: [3], strides: [1] }),
      b: tensorOf({ storage: storage("0", 6, "HalfStorage"), shape: [3], strides: [1] }),
    });
    expect(outcome(pthOf(pickleOf(twice), { 0: floats(1, 2, 3) }))).toBe(
      'w.pth: is damaged: it describes storage "0" twice',
    );
  });
});

describe("round trips", () => {
  const element = fc.constantFrom("f32", "i32", "u8");
  const source = fc
    .tuple(element, fc.array(fc.nat(4), { maxLength: 4 }), fc.infiniteStream(fc.nat(255)))
    .map(([dtype, shape, values]) => {
      const list = [...values.take(shape.reduce((a, b) => a * b, 1))];
      const make = { f32: Float32Array, i32: Int32Array, u8: Uint8Array }[dtype as "f32"];
      return { shape, data: make.from(list) };
    });

  it("give back names, shapes and values", () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string({ unit: "grapheme" }), source), {
      selector: ([key]) => key,
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(entries, (given) => {
        const read = parsePth(encodePth(given));
        expect([...read.keys()]).toEqual(given.map(([key]) => key));
        for (const [name, { shape, data }] of given) {
          expect(read.get(name)!.shape).toEqual(shape);
          expect(read.get(name)!.data).toEqual(data);
        }
      }),
    );
  });

  it("gather any view as index arithmetic does", () => {
    const view = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(7)), { maxLength: 4 });
    fc.assert(
      fc.property(view, fc.nat(5), (dimensions, offset) => {
        const shape = dimensions.map(([size]) => size);
        const strides = dimensions.map(([, stride]) => stride);
        const values = Float32Array.from({ length: 200 }, (_, i) => i);
        const pickle = tensorOf({ storage: storage("0", 200), offset, shape, strides });
        const file = pthOf(pickleOf(dict({ w: pickle })), { 0: new Uint8Array(values.buffer) });
        const expected = [offset];
        for (const [size, stride] of dimensions) {
          const before = expected.splice(0);
          for (const at of before) for (let i = 0; i < size; i++) expected.push(at + i * stride);
        }
        expect([...parsePth(file).get("w")!.data]).toEqual(expected);
      }),
    );
  });
});

describe("damage", () => {
  const small = encodePth([["w", { shape: [2], data: new Float32Array([1, 2]) }]]);

  it("every truncation and extension is refused", () => {
    for (const bytes of [small, fileOf("payload before torch 1.6"), fileOf("pickle")]) {
      for (let length = 0; length < bytes.length; length++) {
        expect(outcome(bytes.slice(0, length)), `${length} bytes`).toMatch(/^w\.pth: /);
      }
    }
    expect(outcome(new Uint8Array([...small, 0]))).toBe(
      "w.pth: is cut off, or followed by something: it does not end as a zip does",
    );
  });

  it("every single-bit flip of either layout is taken or refused", () => {
    for (const bytes of [small, fileOf("before torch 1.6").slice(0, 900)]) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = bytes.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        outcome(flipped);
      }
    }
  });

  it("a flipped bit of a weight is noticed", () => {
    const flipped = small.slice();
    const at = Buffer.from(small).indexOf(Buffer.from(new Float32Array([1, 2]).buffer));
    flipped[at]! ^= 1;
    expect(outcome(flipped)).toBe(
      'w.pth: is damaged: "net/data/k0" does not have the checksum that it was saved with',
    );
  });

  it("anything is taken or refused, also behind a right beginning", () => {
    const anything = fc.uint8Array({ maxLength: 200 });
    fc.assert(fc.property(anything, (bytes) => void outcome(bytes)));
    fc.assert(
      fc.property(anything, (bytes) => {
        outcome(pthOf(`\x80\x02${Buffer.from(bytes).toString("latin1")}`));
      }),
      { numRuns: 1000 },
    );
  });
});
