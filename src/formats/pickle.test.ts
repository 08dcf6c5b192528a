import { describe, expect, it } from "vitest";
import { int, text } from "../../test/support/pth.js";
import { DataError } from "../errors.js";
import { type PickleHooks, runPickle } from "./pickle.js";
import { PickleFunction, PickleTuple, type PickleValue } from "./pickle-values.js";

/** Sums its arguments, where they are numbers. */
class Sum extends PickleFunction {
  readonly what = "sum";
  override call(args: readonly PickleValue[]): PickleValue | undefined {
    return args.every((arg) => typeof arg === "number")
      ? args.reduce((a, b) => a + b, 0)
      : undefined;
  }
}

const hooks: PickleHooks = {
  global(module, name) {
    if (`${module}.${name}` === "math.sum") return new Sum();
    throw new DataError("f", `asks for ${module}.${name}`);
  },
  persistent: (id) => new PickleTuple(["from outside", id]),
};

const run = (pickle: string) => {
  const bytes = Uint8Array.from(pickle, (c) => c.charCodeAt(0));
  return runPickle(bytes, 0, hooks, "f");
};

describe("what a pickle can say", () => {
  it.each<[string, string, PickleValue]>([
    ["constants", "(N\x88\x89t", new PickleTuple([null, true, false])],
    ["small numbers", "(K\xffM\x01\x02t", new PickleTuple([255, 513])],
    ["numbers below 0", int(-5), -5],
    [
      "numbers of any length",
      "(\x8a\x00\x8a\x01\xfe\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x40t",
      new PickleTuple([0, -2, 2n ** 70n]),
    ],
    [
      "the largest safe number, and the next",
      "(\x8a\x07\xff\xff\xff\xff\xff\xff\x1f\x8a\x07\x00\x00\x00\x00\x00\x00\x20t",
      new PickleTuple([2 ** 53 - 1, 2n ** 53n]),
    ],
    ["floating point", "G\xbf\xf8\x00\x00\x00\x00\x00\x00", -1.5],
    [
      "strings",
      `(${text("é")}\x8c\x02\xc3\xa9U\x01aT\x01\x00\x00\x00bt`,
      new PickleTuple(["é", "é", "a", "b"]),
    ],
    [
      "tuples of all lengths",
      "()K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87t",
      new PickleTuple([
        new PickleTuple([]),
        new PickleTuple([1]),
        new PickleTuple([1, 2]),
        new PickleTuple([1, 2, 3]),
      ]),
    ],
    ["lists", "](K\x01K\x02eK\x03a", [1, 2, 3]],
    [
      "dicts",
      `}(${text("a")}K\x01K\x02Nu\x88K\x03s`,
      new Map<string | number | boolean, PickleValue>([
        ["a", 1],
        [2, null],
        [true, 3],
      ]),
    ],
    [
      "the same again",
      `(${text("a")}q\x00h\x00r\x01\x00\x00\x00j\x01\x00\x00\x00\x94h\x02t`,
      new PickleTuple(["a", "a", "a", "a"]),
    ],
    ["what is thrown away", "K\x01K\x020(K\x03K\x041", 1],
    ["calls", "cmath\nsum\n(K\x01K\x02tR", 3],
    ["calls by names on the stack", `${text("math")}${text("sum")}\x93K\x01K\x02\x86R`, 3],
    ["calls of old", "(K\x01K\x02imath\nsum\n", 3],
    ["attributes of dicts, which are left", `}${text("x")}b`, new Map()],
    ["what is outside", "K\x01Q", new PickleTuple(["from outside", 1])],
    ["frames", "\x95\x03\x00\x00\x00\x00\x00\x00\x00K\x01", 1],
  ])("%s", (_, pickle, value) => {
    for (const protocol of [2, 5]) {
      const whole = `\x80${String.fromCharCode(protocol)}${pickle}.`;
      expect(run(`${whole}rest`)).toEqual({ value, end: whole.length });
    }
  });

  it("may hold itself, which nothing follows", () => {
    const { value } = run("]q\x00h\x00a.");
    expect((value as PickleValue[])[0]).toBe(value);
  });
});

describe("what it cannot", () => {
  const deep = (count: number, opcode: string) => opcode.repeat(count);
  it.each([
    ["end nowhere", "K\x01", "it is cut off (byte 2 of its pickle)"],
    ["end within a string", "X\xff\xff\xff\x7fabc", "it is cut off (byte 0 of its pickle)"],
    ["end within a name", "cmath", "it has a name without an end (byte 0 of its pickle)"],
    ["leave things behind", "K\x01K\x02.", "it ends too early (byte 4 of its pickle)"],
    ["leave marks behind", "K\x01(.", "it takes what is not there (byte 3 of its pickle)"],
    ["take from below a mark", "K\x01(0.", "it takes what is not there (byte 3 of its pickle)"],
    ["take what is not there", "t.", "it takes what is not there (byte 0 of its pickle)"],
    ["build of too little", "K\x01\x86.", "it takes what is not there (byte 2 of its pickle)"],
    [
      "remember what it does not know",
      "h\x00.",
      "it refers to what it has not put aside (byte 0 of its pickle)",
    ],
    ["append to no list", "}K\x01a.", "it appends to what is no list (byte 3 of its pickle)"],
    [
      "set items of no dict",
      "]K\x01K\x02s.",
      "it sets items of what is no dict (byte 5 of its pickle)",
    ],
    ["set half of an item", "}(K\x01u.", "it sets items of what is no dict (byte 4 of its pickle)"],
    [
      "have lists for keys",
      "}]K\x01s.",
      "it has a dict with keys that are neither strings nor numbers (byte 4 of its pickle)",
    ],
    ["call what is no function", "N)R.", "it calls what is no function (byte 2 of its pickle)"],
    [
      "call without arguments",
      "cmath\nsum\nNR.",
      "it calls something without arguments (byte 11 of its pickle)",
    ],
    [
      "call with wrong arguments",
      "cmath\nsum\n(NtR.",
      "it calls sum with arguments that do not fit (byte 13 of its pickle)",
    ],
    [
      "give attributes to lists",
      "]Nb.",
      "it gives attributes to what has none (byte 2 of its pickle)",
    ],
    [
      "name by numbers",
      "K\x01K\x02\x93.",
      "it has a name that is no string (byte 4 of its pickle)",
    ],
    [
      "name at length",
      `${text("a".repeat(600))}${text("b")}\x93.`,
      "it has a name without an end (byte 611 of its pickle)",
    ],
    [
      "have text that is none",
      "U\x01\xff.",
      "it has a string that is not UTF-8 (byte 0 of its pickle)",
    ],
    ["have huge numbers", "\x8a\x11", "it has a number of 17 bytes (byte 0 of its pickle)"],
    ["be of the future", "\x80\x06N.", "its protocol is newer than 5 (byte 0 of its pickle)"],
    [
      "make objects",
      "N)\x81.",
      "it has the opcode 0x81, which data has no use for (byte 2 of its pickle)",
    ],
    [
      "use the registry of extensions",
      "\x82\x01.",
      "it has the opcode 0x82, which data has no use for (byte 0 of its pickle)",
    ],
    [
      "have bytes",
      "C\x01a.",
      "it has the opcode 0x43, which data has no use for (byte 0 of its pickle)",
    ],
    [
      "be text",
      "I1\n.",
      "it has the opcode 0x49, which data has no use for (byte 0 of its pickle)",
    ],
    [
      "make objects without end",
      deep(2 ** 19 + 1, "}"),
      "it has more than 524288 objects (byte 524288 of its pickle)",
    ],
    [
      "go on without end",
      deep(2 ** 20 + 1, "N"),
      "it has more than 1048576 steps (byte 1048576 of its pickle)",
    ],
  ])("%s", (_, pickle, problem) => {
    expect(() => run(pickle)).toThrow(
      new DataError("f", `is damaged, or not what torch.save writes: ${problem}`),
    );
  });

  it("call any other name: whoever runs it says what is wrong with that", () => {
    expect(() => run("cos\nsystem\n(X\x01\x00\x00\x00atR.")).toThrow("f: asks for os.system");
  });
});
