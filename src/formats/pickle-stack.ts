// The memory of the pickle machine (pickle.ts): a stack with marks in it, and what was put aside. It knows how many
// objects there may be, and no opcodes. Browser-safe.

import { broken } from "./pickle-bytes.js";
import type { PickleValue } from "./pickle-values.js";

/**
 * A network of ten thousand tensors has a seventh of them. They are counted apart from opcodes because a dict is
 * one byte there and two hundred here.
 */
const maxObjects = 2 ** 19;

export class PickleStack {
  readonly #values: PickleValue[] = [];
  /** Where marks lie; nothing below the last one may be taken. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #objects = 0;

  push(value: PickleValue): void {
    this.#values.push(value);
  }

  /** As push, of what has just been made. */
  made(value: PickleValue): void {
    if (++this.#objects > maxObjects) broken(`it has more than ${maxObjects} objects`);
    this.#values.push(value);
  }

  mark(): void {
    this.#marks.push(this.#values.length);
  }

  pop(): PickleValue {
    this.#check(1);
    return this.#values.pop()!;
  }

  popMany(count: number): PickleValue[] {
    this.#check(count);
    return this.#values.splice(-count, count);
  }

  /** All above the last mark, which goes with it. */
  popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) broken("it takes what is not there");
    return this.#values.splice(mark);
  }

  /** What is changed in place: it stays. */
  top(): PickleValue {
    this.#check(1);
    return this.#values.at(-1)!;
  }

  /** The value at the end of the pickle: all else has been taken. */
  last(): PickleValue {
    const value = this.pop();
    if (this.#values.length > 0 || this.#marks.length > 0) broken("it ends too early");
    return value;
  }

  /** Puts aside what is on top. */
  put(index: number): void {
    this.#memo.set(index, this.top());
  }

  /** Likewise, under the next number. */
  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) broken("it refers to what it has not put aside");
    this.push(value);
  }

  #check(count: number): void {
    if (this.#values.length - count < (this.#marks.at(-1) ?? 0))
      broken("it takes what is not there");
  }
}
