// The memory of the reference backend, in two precisions, and the checked windows that kernels see
// of it. In "f32" memory is exactly what the contract says, byte for byte. In "f64" every buffer
// and the arena are twice as large and an f32 element is a float64: element i of a window of f32
// then starts at byte 8i of it, of i32 at byte 4i, of u8 at byte i. Windows that overlap in one
// precision overlap in the other, so that a plan's mistakes about lifetimes show in both.

import { BackendError } from "../../errors.js";
import { byteSize, type DType, dtypeOf, type TypedArray } from "../../graph/dtype.js";
import type { BufferSpec, Operand } from "../kernels.js";

export type Precision = "f32" | "f64";

/** The elements of a buffer, whatever they are stored as. */
export type Cells =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** What kernels compute on. */
export interface View {
  readonly data: Cells;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Bytes to reserve for a buffer that the contract calls `bytes` long. */
export function storedBytes(bytes: number, precision: Precision): number {
  // Whole float64s: a u8 buffer may have any length.
  return precision === "f64" ? Math.ceil(bytes / 4) * 8 : bytes;
}

/** A piece of memory, and which dtype was last stored there (what `read` has to convert from). */
export class Storage {
  holds: DType | undefined;

  /** `start` is in bytes of `memory`; `bytes` is the size that the contract speaks of. */
  constructor(
    readonly precision: Precision,
    readonly bytes: number,
    readonly memory = new ArrayBuffer(storedBytes(bytes, precision)),
    readonly start = 0,
  ) {}

  static of(data: TypedArray, precision: Precision): Storage {
    const storage = new Storage(precision, data.byteLength);
    storage.write(data);
    return storage;
  }

  cells(dtype: DType): Cells {
    const length = Math.floor(this.bytes / byteSize[dtype]);
    if (dtype === "u8") return new Uint8Array(this.memory, this.start, length);
    if (dtype === "i32") return new Int32Array(this.memory, this.start, length);
    return this.precision === "f64"
      ? new Float64Array(this.memory, this.start, length)
      : new Float32Array(this.memory, this.start, length);
  }

  /** Fills with what no program can mistake for a result: NaN, −1 or 255. */
  poison(): void {
    new Uint8Array(this.memory, this.start, storedBytes(this.bytes, this.precision)).fill(0xff);
  }

  write(data: TypedArray): void {
    this.holds = dtypeOf(data);
    this.cells(this.holds).set(data);
  }

  /** The content as the contract knows it: f32 elements as float32, whatever the precision. */
  read(): ArrayBuffer {
    const out = new ArrayBuffer(this.bytes);
    if (this.precision === "f64" && this.holds === "f32") {
      new Float32Array(out).set(this.cells("f32"));
    } else {
      new Uint8Array(out).set(this.cells("u8") as Uint8Array);
    }
    return out;
  }
}

/** A program's buffers, bound for one run. */
export class Memory {
  constructor(
    readonly precision: Precision,
    private readonly specs: readonly BufferSpec[],
    private readonly storages: readonly Storage[],
  ) {}

  /** Rounds a result to the precision that f32 has here. */
  get round(): (value: number) => number {
    return this.precision === "f32" ? Math.fround : identity;
  }

  /** An operand to read. `what` names it in errors: "matmul: a". */
  source(what: string, operand: Operand, shape: readonly number[], dtype?: DType): View {
    return this.view(what, operand, shape, dtype);
  }

  /** An operand to write. */
  target(what: string, operand: Operand, shape: readonly number[], dtype?: DType): View {
    const view = this.view(what, operand, shape, dtype);
    const kind = this.specs[operand.buffer]!.kind;
    if (kind === "input" || kind === "constant") {
      throw new BackendError(`${what} writes to buffer ${operand.buffer}, a read-only ${kind}`);
    }
    this.storages[operand.buffer]!.holds = operand.dtype;
    return view;
  }

  private view(what: string, operand: Operand, shape: readonly number[], dtype?: DType): View {
    const { buffer, offset, strides } = operand;
    const storage = this.storages[buffer];
    if (!storage) throw new BackendError(`${what} names buffer ${buffer}, which does not exist`);
    if (dtype && operand.dtype !== dtype) {
      throw new BackendError(`${what} expects ${dtype}, got ${operand.dtype}`);
    }
    if (strides.length !== shape.length) {
      throw new BackendError(
        `${what} expects ${shape.length} strides, got ${strides.length} ([${strides}])`,
      );
    }
    const data = storage.cells(operand.dtype);
    // The lowest and the highest element that the window reaches; an empty window reaches none.
    let low = offset;
    let high = offset;
    for (let d = 0; d < shape.length; d++) {
      const reach = (shape[d]! - 1) * strides[d]!;
      if (reach < 0) low += reach;
      else high += reach;
    }
    if (!shape.includes(0) && (low < 0 || high >= data.length)) {
      throw new BackendError(
        `${what} reaches elements ${low} to ${high} of buffer ${buffer}, which has ${data.length}`,
      );
    }
    return { data, offset, strides };
  }
}

function identity(value: number): number {
  return value;
}
