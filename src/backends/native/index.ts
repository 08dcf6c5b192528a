// The native backend: programs run by C++ kernels on a thread of the addon's own. Here the contract
// of backend.ts meets the addon; kernels, threads and memory are native/'s business.

import { BackendError } from "../../errors.js";
import type { TypedArray } from "../../graph/dtype.js";
import type {
  Backend,
  ConvolutionMode,
  DeviceBuffer,
  Executable,
  Peaks,
  RunBindings,
  RunResult,
  Traits,
} from "../backend.js";
import type { KernelCall, Program } from "../kernels.js";
import {
  type Addon,
  type BackendHandle,
  type BufferHandle,
  type ExecutableHandle,
  guarded,
  guardedAsync,
  loadAddon,
} from "./binding.js";
import { checkProgram } from "./check.js";
import { encodeCalls, encodeProgram } from "./encode.js";
import { lanes } from "./isas.js";
import { availableMemory, physicalCores } from "./machine.js";

export { type BuildOptions, buildNative } from "./build.js";

export interface NativeOptions {
  /** Threads that kernels use; by default one for each physical core. Results do not depend on it. */
  readonly threads?: number;
  /** Instruction set: "avx512", "avx2" or "portable"; by default the best that the machine has. */
  readonly isa?: string;
  /**
   * `auto`, the default, has plans compute convolutions of 3×3 and 5×5 by Winograd's minimal filtering where
   * that is faster; it rounds a little more than `direct`.
   */
  readonly convolution?: ConvolutionMode;
}

/**
 * What a thread wrote is slow to fetch for another whose caches are apart. Memory that changes hands between calls
 * costs a tenth of LeNet's inference there, and saves nothing where caches hold it all.
 */
const apartBytes = 16 * 2 ** 20;

/**
 * Opens the native backend. Throws BackendError when the addon has not been built (`npx fovea
 * build`) or the machine lacks the instruction set.
 */
export function openNative(options: NativeOptions = {}): Backend {
  const addon = loadAddon();
  const { threads = physicalCores(), isa = addon.isas[0]!, convolution = "auto" } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw new BackendError(`openNative: expected 1 to 1024 threads, got ${threads}`);
  }
  if (!addon.isas.includes(isa)) {
    throw new BackendError(
      `openNative: this machine has no kernels for "${isa}"; it has ${addon.isas.join(", ")}`,
    );
  }
  return new NativeBackend(
    addon,
    guarded(() => addon.open(isa, threads)),
    `native ${isa}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    {
      lanes: lanes[isa]!,
      convolutions: convolution === "direct" ? ["direct"] : ["direct", "winograd6", "winograd8"],
      apartBytes: threads > 1 ? apartBytes : 0,
    },
  );
}

class NativeBackend implements Backend {
  readonly name = "native";
  private closed: Promise<void> | undefined;

  constructor(
    private readonly addon: Addon,
    private readonly handle: BackendHandle,
    readonly description: string,
    readonly traits: Traits,
  ) {}

  availableMemory(): number | undefined {
    return availableMemory();
  }

  scratchBytes(calls: readonly KernelCall[]): number {
    const words = new BigInt64Array(encodeCalls(calls).map(BigInt));
    return guarded(() => this.addon.scratchBytes(this.handle, words.buffer));
  }

  measurePeaks(): Promise<Peaks> {
    return guardedAsync(() => this.addon.measurePeaks(this.handle));
  }

  allocate(bytes: number): DeviceBuffer {
    const handle = guarded(() => this.addon.allocate(this.handle, bytes));
    return new NativeBuffer(this.addon, handle, bytes);
  }

  /** Bytes of all buffers that have not gone: states, results. The arena and scratch memory come on top. */
  heldBytes(): number {
    return guarded(() => this.addon.heldBytes(this.handle));
  }

  write(buffer: DeviceBuffer, data: TypedArray): Promise<void> {
    return guardedAsync(() => this.addon.write(handleOf(buffer), data));
  }

  read(buffer: DeviceBuffer): Promise<ArrayBuffer> {
    return guardedAsync(() => this.addon.read(handleOf(buffer)));
  }

  load(program: Program): Executable {
    checkProgram(program);
    const handle = guarded(() => this.addon.load(this.handle, encodeProgram(program)));
    const outputs = program.buffers.filter((spec) => spec.kind === "output");
    const outputBytes = outputs.sort((a, b) => a.index - b.index).map((spec) => spec.bytes);
    return new NativeExecutable(this.addon, handle, outputBytes);
  }

  close(): Promise<void> {
    this.closed ??= guardedAsync(() => this.addon.close(this.handle));
    return this.closed;
  }
}

class NativeExecutable implements Executable {
  constructor(
    private readonly addon: Addon,
    private readonly handle: ExecutableHandle,
    private readonly outputBytes: readonly number[],
  ) {}

  async run(bindings: RunBindings, options: { profile?: boolean } = {}): Promise<RunResult> {
    const { outputs, seconds } = await guardedAsync(() =>
      this.addon.run(
        this.handle,
        bindings.inputs.map((input) => (ArrayBuffer.isView(input) ? input : handleOf(input))),
        bindings.states.map(handleOf),
        options.profile ?? false,
      ),
    );
    const buffers = outputs.map(
      (handle, i) => new NativeBuffer(this.addon, handle, this.outputBytes[i]!),
    );
    return seconds ? { outputs: buffers, seconds } : { outputs: buffers };
  }

  dispose(): void {
    guarded(() => this.addon.unload(this.handle));
  }
}

class NativeBuffer implements DeviceBuffer {
  constructor(
    private readonly addon: Addon,
    readonly handle: BufferHandle,
    readonly bytes: number,
  ) {}

  dispose(): void {
    guarded(() => this.addon.releaseBuffer(this.handle));
  }
}

function handleOf(buffer: DeviceBuffer): BufferHandle {
  if (buffer instanceof NativeBuffer) return buffer.handle;
  throw new BackendError("native: expected a buffer of the native backend, got one of another");
}
