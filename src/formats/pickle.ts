// Python's pickle, of which only what describes data is understood: a small stack machine that builds
// nothing but None, booleans, numbers, strings, tuples, lists and dicts. Names of Python's functions and
// classes are handed to whoever runs it, who says what, if anything, each may stand for: no code is ever
// looked up, let alone run. Browser-safe.
//
// Source: CPython's Lib/pickletools.py, which documents every opcode. Protocols 2 to 5, those that
// torch.save can be asked for, and what Python 2 wrote.

import { DataError } from "../errors.js";
import { Broken, broken, maxNameBytes, PickleBytes } from "./pickle-bytes.js";
import { PickleStack } from "./pickle-stack.js";
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

/** A network of ten thousand tensors takes a quarter of the steps. */
const maxOpcodes = 2 ** 20;

/**
 * Runs the pickle that begins at `start`. Time and memory are bounded, by that limit and the stack's.
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
  readonly #stack = new PickleStack();

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
        return this.#stack.last();
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
        this.#stack.push(null);
        break;
      case 0x88: // NEWTRUE
        this.#stack.push(true);
        break;
      case 0x89: // NEWFALSE
        this.#stack.push(false);
        break;
      case 0x4b: // K BININT1
        this.#stack.push(this.bytes.u8());
        break;
      case 0x4d: // M BININT2
        this.#stack.push(this.bytes.u16());
        break;
      case 0x4a: // J BININT
        this.#stack.push(this.bytes.i32());
        break;
      case 0x8a: // LONG1
        this.#stack.push(this.bytes.long(this.bytes.u8()));
        break;
      case 0x47: // G BINFLOAT
        this.#stack.push(this.bytes.f64());
        break;
      case 0x58: // X BINUNICODE
      case 0x54: // T BINSTRING, Python 2's
        this.#stack.push(this.bytes.text(this.bytes.u32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // U SHORT_BINSTRING, Python 2's
        this.#stack.push(this.bytes.text(this.bytes.u8()));
        break;

      case 0x28: // ( MARK
        this.#stack.mark();
        break;
      case 0x30: // 0 POP
        this.#stack.pop();
        break;
      case 0x31: // 1 POP_MARK
        this.#stack.popMark();
        break;

      case 0x29: // ) EMPTY_TUPLE
        this.#stack.made(new PickleTuple([]));
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        this.#stack.made(new PickleTuple(this.#stack.popMany(opcode - 0x84)));
        break;
      case 0x74: // t TUPLE
        this.#stack.made(new PickleTuple(this.#stack.popMark()));
        break;

      case 0x5d: // ] EMPTY_LIST
        this.#stack.made([]);
        break;
      case 0x61: // a APPEND
        this.#append([this.#stack.pop()]);
        break;
      case 0x65: // e APPENDS
        this.#append(this.#stack.popMark());
        break;

      case 0x7d: // } EMPTY_DICT
        this.#stack.made(new Map());
        break;
      case 0x73: // s SETITEM
        this.#setItems(this.#stack.popMany(2));
        break;
      case 0x75: // u SETITEMS
        this.#setItems(this.#stack.popMark());
        break;

      case 0x71: // q BINPUT
        this.#stack.put(this.bytes.u8());
        break;
      case 0x72: // r LONG_BINPUT
        this.#stack.put(this.bytes.u32());
        break;
      case 0x94: // MEMOIZE
        this.#stack.memoize();
        break;
      case 0x68: // h BINGET
        this.#stack.get(this.bytes.u8());
        break;
      case 0x6a: // j LONG_BINGET
        this.#stack.get(this.bytes.u32());
        break;

      case 0x63: // c GLOBAL
        this.#stack.made(this.hooks.global(this.bytes.line(), this.bytes.line()));
        break;
      case 0x93: // STACK_GLOBAL
        this.#stackGlobal();
        break;
      case 0x69: // i INST: a class, and its arguments above the mark
        this.#stack.made(
          this.#call(
            this.hooks.global(this.bytes.line(), this.bytes.line()),
            this.#stack.popMark(),
          ),
        );
        break;
      case 0x52: // R REDUCE
        this.#reduce();
        break;
      case 0x62: // b BUILD
        this.#build();
        break;
      case 0x51: // Q BINPERSID
        this.#stack.made(this.hooks.persistent(this.#stack.pop()));
        break;

      default:
        broken(
          `it has the opcode 0x${opcode.toString(16).padStart(2, "0")}, which data has no use for`,
        );
    }
  }

  // ------------------------------------------------------------- objects

  #append(items: readonly PickleValue[]): void {
    const list = this.#stack.top();
    if (!Array.isArray(list)) broken("it appends to what is no list");
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly PickleValue[]): void {
    const dict = this.#stack.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      broken("it sets items of what is no dict");
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (!isKey(key)) broken("it has a dict with keys that are neither strings nor numbers");
      dict.set(key, items[i + 1]!);
    }
  }

  #stackGlobal(): void {
    const [module, name] = this.#stack.popMany(2);
    if (typeof module !== "string" || typeof name !== "string")
      broken("it has a name that is no string");
    if (module.length + name.length > maxNameBytes) broken("it has a name without an end");
    this.#stack.made(this.hooks.global(module, name));
  }

  #reduce(): void {
    const [callee, args] = this.#stack.popMany(2);
    if (!(args instanceof PickleTuple)) broken("it calls something without arguments");
    this.#stack.made(this.#call(callee!, args.items));
  }

  #call(callee: PickleValue, args: readonly PickleValue[]): PickleValue {
    if (!(callee instanceof PickleFunction)) broken("it calls what is no function");
    const result = callee.call(args);
    if (result === undefined) broken(`it calls ${callee.what} with arguments that do not fit`);
    return result;
  }

  /** Attributes of an ordered dict, such as a state dict's _metadata: nothing here has any use for them. */
  #build(): void {
    this.#stack.pop();
    if (!(this.#stack.top() instanceof Map)) broken("it gives attributes to what has none");
  }
}

const isKey = (value: PickleValue): value is PickleKey =>
  value === null || typeof value !== "object";
