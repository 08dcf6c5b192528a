// The reference backend: every kernel in plain TypeScript, slow and obvious, on the JavaScript
// thread. It is the oracle that other backends are tested against, and it runs in browsers. It is
// strict where others need not be: windows are checked against their buffers, and scratch memory and
// outputs start as NaN, so that a plan's mistakes show.

import { BackendError } from "../../errors.js";
import type { TypedArray } from "../../graph/dtype.js";
import type {
  Backend,
  DeviceBuffer,
  Executable,
  RunBindings,
  RunResult,
  Traits,
} from "../backend.js";
import type { BufferSpec, Program } from "../kernels.js";
import { Memory, type Precision, Storage, storedBytes } from "./memory.js";
import { Queue } from "./queue.js";
import { runCall } from "./table.js";

export type { ReferenceBackend };

/**
 * Opens the reference backend. With `precision: "f64"` it is the float64 oracle: f32 buffers are
 * kept and computed in double precision, and only `write` and `read` convert.
 */
export function openReference(options: { readonly precision?: Precision } = {}): ReferenceBackend {
  return new ReferenceBackend(options.precision ?? "f32");
}

class ReferenceBuffer implements DeviceBuffer {
  private content: Storage | undefined;

  constructor(
    readonly owner: ReferenceBackend,
    storage: Storage,
  ) {
    this.content = storage;
    this.bytes = storage.bytes;
  }

  readonly bytes: number;

  get storage(): Storage {
    if (!this.content) throw new BackendError("reference: this buffer has been disposed");
    return this.content;
  }

  dispose(): void {
    this.content = undefined;
  }
}

class ReferenceBackend implements Backend {
  readonly name = "reference";
  /** It would compute all algorithms alike. */
  readonly traits: Traits = { lanes: 1, convolutions: ["direct"], apartBytes: 0 };
  readonly description: string;
  private readonly queue = new Queue();
  /** One scratch memory for all programs, which never run at the same time. */
  private arena: Storage;
  private closed = false;

  constructor(readonly precision: Precision) {
    this.description = `reference ${precision}, plain TypeScript`;
    this.arena = new Storage(precision, 0);
  }

  availableMemory(): undefined {
    return undefined;
  }

  scratchBytes(): number {
    return 0;
  }

  allocate(bytes: number): DeviceBuffer {
    this.assertOpen("allocate");
    return new ReferenceBuffer(this, new Storage(this.precision, bytes));
  }

  async write(buffer: DeviceBuffer, data: TypedArray): Promise<void> {
    const storage = this.storageOf("write", buffer, data.byteLength);
    const copy = data.slice();
    await this.queue.add(() => storage.write(copy));
  }

  async read(buffer: DeviceBuffer): Promise<ArrayBuffer> {
    const storage = this.storageOf("read", buffer);
    return this.queue.add(() => storage.read());
  }

  /** For tests: f32 elements without rounding them to float32 ("f64" keeps all their bits). */
  async readFloat64(buffer: DeviceBuffer): Promise<Float64Array<ArrayBuffer>> {
    const storage = this.storageOf("readFloat64", buffer);
    return this.queue.add(() => Float64Array.from(storage.cells("f32")));
  }

  /** For tests: f32 elements from doubles, which "f64" keeps as they are. */
  async writeFloat64(buffer: DeviceBuffer, data: Float64Array): Promise<void> {
    const storage = this.storageOf("writeFloat64", buffer, data.length * 4);
    const copy = data.slice();
    await this.queue.add(() => {
      storage.holds = "f32";
      storage.cells("f32").set(copy);
    });
  }

  load(program: Program): Executable {
    this.assertOpen("load");
    if (this.arena.bytes < program.arenaBytes) {
      this.arena = new Storage(this.precision, program.arenaBytes);
    }
    const constants = program.buffers.map((spec) =>
      spec.kind === "constant" ? Storage.of(spec.data, this.precision) : undefined,
    );
    let disposed = false;
    return {
      run: async (bindings, options) => {
        this.assertOpen("run");
        if (disposed) throw new BackendError("reference: run: this program has been disposed");
        const storages = program.buffers.map(
          (spec, at) => constants[at] ?? this.bind(spec, bindings),
        );
        return this.queue.add(() => this.execute(program, storages, options?.profile ?? false));
      },
      dispose: () => {
        disposed = true;
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.queue.drained();
  }

  /** The memory of one of a program's buffers, for one run; host memory is copied here. */
  private bind(spec: BufferSpec, bindings: RunBindings): Storage {
    switch (spec.kind) {
      case "constant":
        return Storage.of(spec.data, this.precision);
      case "output":
        return new Storage(this.precision, spec.bytes);
      case "arena": {
        const start = storedBytes(spec.offset, this.precision);
        return new Storage(this.precision, spec.bytes, this.arena.memory, start);
      }
      case "state": {
        const what = `run: state ${spec.index}`;
        return this.storageOf(what, bindings.states[spec.index], spec.bytes);
      }
      case "input": {
        const what = `run: input ${spec.index}`;
        const input = bindings.inputs[spec.index];
        if (!ArrayBuffer.isView(input)) return this.storageOf(what, input, spec.bytes);
        assertBytes(what, spec.bytes, input.byteLength);
        return Storage.of(input, this.precision);
      }
    }
  }

  private async execute(
    program: Program,
    storages: readonly Storage[],
    profile: boolean,
  ): Promise<RunResult> {
    const { buffers, calls } = program;
    const outputs: DeviceBuffer[] = [];
    buffers.forEach((spec, at) => {
      if (spec.kind === "arena" || spec.kind === "output") storages[at]!.poison();
      if (spec.kind === "output") outputs[spec.index] = new ReferenceBuffer(this, storages[at]!);
    });

    const memory = new Memory(this.precision, buffers, storages);
    const seconds = new Float64Array(calls.length);
    for (const [at, call] of calls.entries()) {
      await this.queue.breathe();
      const start = performance.now();
      runCall(call, memory);
      seconds[at] = (performance.now() - start) / 1000;
    }
    return profile ? { outputs, seconds } : { outputs };
  }

  private storageOf(what: string, buffer: DeviceBuffer | undefined, bytes?: number): Storage {
    this.assertOpen(what);
    if (!(buffer instanceof ReferenceBuffer) || buffer.owner !== this) {
      const came = buffer === undefined ? "nothing" : "a buffer of another backend";
      throw new BackendError(`reference: ${what} expects a buffer of this backend, got ${came}`);
    }
    if (bytes !== undefined) assertBytes(what, bytes, buffer.bytes);
    return buffer.storage;
  }

  private assertOpen(what: string): void {
    if (this.closed) throw new BackendError(`reference: ${what}: the backend has been closed`);
  }
}

function assertBytes(what: string, expected: number, came: number): void {
  if (expected !== came) {
    throw new BackendError(`reference: ${what} expects ${expected} bytes, got ${came}`);
  }
}
