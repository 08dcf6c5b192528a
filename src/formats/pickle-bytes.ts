// The bytes of a pickle (pickle.ts), read in order: numbers, texts and names as its opcodes have them behind
// them. It knows no opcodes. Browser-safe.

/** Names of modules and classes are not longer; numbers of torch.save neither. */
export const [maxNameBytes, maxNumberBytes] = [500, 16];

/** A broken pickle; whoever runs the machine adds the file's name. */
export class Broken extends Error {}

export function broken(problem: string): never {
  throw new Broken(problem);
}

export class PickleBytes {
  readonly #view: DataView;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(
    readonly bytes: Uint8Array,
    /** Where the next byte is. */
    public at: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Passes over the next bytes, which must be there; where they begin. */
  skip(length: number): number {
    const from = this.at;
    if (from + length > this.bytes.length) broken("it is cut off");
    this.at += length;
    return from;
  }

  u8(): number {
    return this.bytes[this.skip(1)]!;
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.skip(4), true);
  }

  /** The one number of all that has its highest byte first. */
  f64(): number {
    return this.#view.getFloat64(this.skip(8), false);
  }

  text(length: number): string {
    const from = this.skip(length);
    try {
      return this.#utf8.decode(this.bytes.subarray(from, from + length));
    } catch {
      broken("it has a string that is not UTF-8");
    }
  }

  /** A name, which a newline ends. */
  line(): string {
    const end = this.bytes.subarray(this.at, this.at + maxNameBytes).indexOf(0x0a);
    if (end < 0) broken("it has a name without an end");
    const name = this.text(end);
    this.at++;
    return name;
  }

  /** Two's complement, the lowest byte first. */
  long(length: number): number | bigint {
    if (length > maxNumberBytes) broken(`it has a number of ${length} bytes`);
    const from = this.skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[from + i]!);
    value = BigInt.asIntN(8 * length, value);
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }
}
