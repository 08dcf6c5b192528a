// Python's pickle, of which only what describes data is understood: a small stack machine that builds
// nothing but None, booleans, numbers, strings, tuples, lists and dicts. Names of Python's functions and
// classes are handed to whoever runs it, who says what, if anything, each may stand for: no code is ever
// looked up, let alone run. Browser-safe.
//
// Source: CPython's Lib/pickletools.py, which documents every opcode. Protocols 2 to 5, those that
// torch.save can be asked for, and what Python 2 wrote.

import { DataError } from "../errors.js";
import { Broken, broken, maxNameBytes, PickleBytes } from "./pickle-bytes.js";
import {
  PickleFunction,
  type PickleKey,
  type PickleSpecial,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";

/** What only the format that a pickle belongs to can say. */
export interface PickleHooks {
  /** What a name stands for. Throws for those that stand for nothing. */
  global(module: string, name: string): PickleSpecial;
  /** What an identifier stands for that points out of the pickle. Throws for those that do not. */
  persistent(id: PickleValue): PickleValue;
}

/**
 * A network of ten thousand tensors takes a quarter of the steps, and a seventh of the objects, which are
 * counted apart because a dict is one byte there and two hundred here.
 */
const [maxOpcodes, maxObjects] = [2 ** 20, 2 ** 19];

/**
 * Runs the pickle that begins at `start`. Time and memory are bounded by the limits above.
 *
 * @returns Its value, and where the byte behind it is.
 * @throws DataError for whatever is not as above, and what the hooks throw.
 */
export function runPickle(
  bytes: Uint8Array,
  start: number,
  hooks: PickleHooks,
  file: string,
): { value: PickleValue; end: number } {
  const source = new PickleBytes(bytes, start);
  const machine = new PickleMachine(source, hooks);
  try {
    return { value: machine.run(), end: source.at };
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    const where = `byte ${machine.opcodeAt} of its pickle`;
    throw new DataError(
      file,
      `is damaged, or not what torch.save writes: ${error.message} (${where})`,
    );
  }
}

class PickleMachine {
  opcodeAt: number;
  readonly #stack: PickleValue[] = [];
  /** Where on the stack marks lie; nothing below the last one may be taken. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #objects = 0;

  constructor(
    readonly bytes: PickleBytes,
    readonly hooks: PickleHooks,
  ) {
    this.opcodeAt = bytes.at;
  }

  run(): PickleValue {
    for (let opcodes = 1; ; opcodes++) {
      this.opcodeAt = this.bytes.at;
      if (opcodes > maxOpcodes) broken(`it has more than ${maxOpcodes} steps`);
      const opcode = this.bytes.u8();
      if (opcode === 0x2e /* . STOP */) {
        const value = this.#pop();
        if (this.#stack.length > 0 || this.#marks.length > 0) broken("it ends too early");
        return value;
      }
      this.#execute(opcode);
    }
  }

  #execute(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        if (this.bytes.u8() > 5) broken("its protocol is newer than 5");
        break;
      case 0x95: // FRAME: how much to read at once
        this.bytes.skip(8);
        break;

      case 0x4e: // N NONE
        this.#push(null);
        break;
      case 0x88: // NEWTRUE
        this.#push(true);
        break;
      case 0x89: // NEWFALSE
        this.#push(false);
        break;
      case 0x4b: // K BININT1
        this.#push(this.bytes.u8());
        break;
      case 0x4d: // M BININT2
        this.#push(this.bytes.u16());
        break;
      case 0x4a: // J BININT
        this.#push(this.bytes.i32());
        break;
      case 0x8a: // LONG1
        this.#push(this.bytes.long(this.bytes.u8()));
        break;
      case 0x47: // G BINFLOAT
        this.#push(this.bytes.f64());
        break;
      case 0x58: // X BINUNICODE
      case 0x54: // T BINSTRING, Python 2's
        this.#push(this.bytes.text(this.bytes.u32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // U SHORT_BINSTRING, Python 2's
        this.#push(this.bytes.text(this.bytes.u8()));
        break;

      case 0x28: // ( MARK
        this.#marks.push(this.#stack.length);
        break;
      case 0x30: // 0 POP
        this.#pop();
        break;
      case 0x31: // 1 POP_MARK
        this.#popMark();
        break;

      case 0x29: // ) EMPTY_TUPLE
        this.#made(new PickleTuple([]));
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        this.#made(new PickleTuple(this.#popMany(opcode - 0x84)));
        break;
      case 0x74: // t TUPLE
        this.#made(new PickleTuple(this.#popMark()));
        break;

      case 0x5d: // ] EMPTY_LIST
        this.#made([]);
        break;
      case 0x61: // a APPEND
        this.#append([this.#pop()]);
        break;
      case 0x65: // e APPENDS
        this.#append(this.#popMark());
        break;

      case 0x7d: // } EMPTY_DICT
        this.#made(new Map());
        break;
      case 0x73: // s SETITEM
        this.#setItems(this.#popMany(2));
        break;
      case 0x75: // u SETITEMS
        this.#setItems(this.#popMark());
        break;

      case 0x71: // q BINPUT
        this.#put(this.bytes.u8());
        break;
      case 0x72: // r LONG_BINPUT
        this.#put(this.bytes.u32());
        break;
      case 0x94: // MEMOIZE
        this.#put(this.#memo.size);
        break;
      case 0x68: // h BINGET
        this.#get(this.bytes.u8());
        break;
      case 0x6a: // j LONG_BINGET
        this.#get(this.bytes.u32());
        break;

      case 0x63: // c GLOBAL
        this.#made(this.hooks.global(this.bytes.line(), this.bytes.line()));
        break;
      case 0x93: // STACK_GLOBAL
        this.#stackGlobal();
        break;
      case 0x69: // i INST: a class, and its arguments above the mark
        this.#made(
          this.#call(this.hooks.global(this.bytes.line(), this.bytes.line()), this.#popMark()),
        );
        break;
      case 0x52: // R REDUCE
        this.#reduce();
        break;
      case 0x62: // b BUILD
        this.#build();
        break;
      case 0x51: // Q BINPERSID
        this.#made(this.hooks.persistent(this.#pop()));
        break;

      default:
        broken(
          `it has the opcode 0x${opcode.toString(16).padStart(2, "0")}, which data has no use for`,
        );
    }
  }

  // ------------------------------------------------------------- the stack

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  /** As #push, of what has just been made. */
  #made(value: PickleValue): void {
    if (++this.#objects > maxObjects) broken(`it has more than ${maxObjects} objects`);
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) broken("it takes what is not there");
    return this.#stack.pop()!;
  }

  #popMany(count: number): PickleValue[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0))
      broken("it takes what is not there");
    return this.#stack.splice(-count, count);
  }

  #popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) broken("it takes what is not there");
    return this.#stack.splice(mark);
  }

  /** What is changed in place: it stays on the stack. */
  #top(): PickleValue {
    const value = this.#pop();
    this.#stack.push(value);
    return value;
  }

  #put(index: number): void {
    this.#memo.set(index, this.#top());
  }

  #get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) broken("it refers to what it has not put aside");
    this.#push(value);
  }

  // ------------------------------------------------------------- objects

  #append(items: readonly PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) broken("it appends to what is no list");
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      broken("it sets items of what is no dict");
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (!isKey(key)) broken("it has a dict with keys that are neither strings nor numbers");
      dict.set(key, items[i + 1]!);
    }
  }

  #stackGlobal(): void {
    const [module, name] = this.#popMany(2);
    if (typeof module !== "string" || typeof name !== "string")
      broken("it has a name that is no string");
    if (module.length + name.length > maxNameBytes) broken("it has a name without an end");
    this.#made(this.hooks.global(module, name));
  }

  #reduce(): void {
    const [callee, args] = this.#popMany(2);
    if (!(args instanceof PickleTuple)) broken("it calls something without arguments");
    this.#made(this.#call(callee!, args.items));
  }

  #call(callee: PickleValue, args: readonly PickleValue[]): PickleValue {
    if (!(callee instanceof PickleFunction)) broken("it calls what is no function");
    const result = callee.call(args);
    if (result === undefined) broken(`it calls ${callee.what} with arguments that do not fit`);
    return result;
  }

  /** Attributes of an ordered dict, such as a state dict's _metadata: nothing here has any use for them. */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map)) broken("it gives attributes to what has none");
  }
}

const isKey = (value: PickleValue): value is PickleKey =>
  value === null || typeof value !== "object";
