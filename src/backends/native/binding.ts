// The addon as TypeScript sees it: the functions of native/addon.cc, with their types. Loads it and
// makes sure that both sides were made from the same description. It holds no state of its own.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { BackendError } from "../../errors.js";
import type { TypedArray } from "../../graph/dtype.js";
import type { Peaks } from "../backend.js";
import { abiFingerprint } from "./abi-header.js";
import { addonPath } from "./paths.js";

declare const kind: unique symbol;
/** Objects of the addon. When one is collected or released, its memory goes once no job uses it. */
export type BackendHandle = { readonly [kind]: "backend" };
export type BufferHandle = { readonly [kind]: "buffer" };
export type ExecutableHandle = { readonly [kind]: "executable" };

/** Each function throws an Error, or rejects with one, whose message says what is wrong. */
export interface Addon {
  readonly fingerprint: string;
  /** Instruction sets that are compiled in and that this machine has, best first. */
  readonly isas: readonly string[];
  open(isa: string, threads: number): BackendHandle;
  close(backend: BackendHandle): Promise<void>;
  scratchBytes(backend: BackendHandle, calls: ArrayBuffer): number;
  measurePeaks(backend: BackendHandle): Promise<Peaks>;
  allocate(backend: BackendHandle, bytes: number): BufferHandle;
  /** Of all buffers that have not gone. */
  heldBytes(backend: BackendHandle): number;
  releaseBuffer(buffer: BufferHandle): void;
  load(backend: BackendHandle, program: ArrayBuffer): ExecutableHandle;
  unload(executable: ExecutableHandle): void;
  run(
    executable: ExecutableHandle,
    inputs: readonly (TypedArray | BufferHandle)[],
    states: readonly BufferHandle[],
    profile: boolean,
  ): Promise<{ readonly outputs: readonly BufferHandle[]; readonly seconds?: Float64Array }>;
  write(buffer: BufferHandle, data: TypedArray): Promise<void>;
  read(buffer: BufferHandle): Promise<ArrayBuffer>;
}

const wayOut = "run `npx fovea build`";

/** The addon at `path`. Throws BackendError when it is not there or was built from other sources. */
export function loadAddon(path: string = addonPath): Addon {
  if (!existsSync(path)) {
    throw new BackendError(`native backend: it has not been built yet (no ${path}); ${wayOut}`);
  }
  let addon: Addon;
  try {
    addon = createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    throw new BackendError(`native backend: cannot load ${path} (${messageOf(error)}); ${wayOut}`);
  }
  checkFingerprint(addon.fingerprint);
  return addon;
}

/** Throws unless the addon was built from the description that this module was. */
export function checkFingerprint(fingerprint: string): void {
  if (fingerprint === abiFingerprint) return;
  throw new BackendError(
    `native backend: the addon was built from another version of Fovea (its interface is ` +
      `${fingerprint}, expected ${abiFingerprint}); ${wayOut}`,
  );
}

/** Calls the addon; what it throws comes out as BackendError. */
export function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw asBackendError(error);
  }
}

/** Likewise for a function that returns a promise. */
export async function guardedAsync<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw asBackendError(error);
  }
}

function asBackendError(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  const problem = messageOf(error);
  // the system has promised more than it has, or this process may not have all of it
  const advice = problem.includes("no memory for") ? "; smaller batches need less" : "";
  return new BackendError(`native: ${problem}${advice}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
