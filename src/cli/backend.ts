// Opens a backend by name and makes it the one that everything uses.

import type { Backend, ConvolutionMode } from "../backends/backend.js";
import { physicalCores } from "../backends/native/machine.js";
import { openReference } from "../backends/reference/index.js";
import "../engine.js";
import { setBackend } from "../runtime.js";
import { UsageError } from "./errors.js";

export const backendNames = ["native", "reference"] as const;
export type BackendName = (typeof backendNames)[number];

/** Threads that a backend uses when none are asked for. */
export function defaultThreads(name: BackendName): number {
  return name === "native" ? physicalCores() : 1;
}

/** Refuses what the reference would ignore. */
export function checkKernels(options: {
  readonly backend: BackendName;
  readonly threads?: number;
  readonly isa?: string;
}): void {
  if (options.backend === "native") return;
  if ((options.threads ?? 1) > 1)
    throw new UsageError("--threads is for --backend native: the reference computes on one");
  if (options.isa !== undefined)
    throw new UsageError("--isa is for --backend native: the reference has no instruction sets");
}

/** How the native backend computes; for both, what is not told is the best that there is. */
export interface Kernels {
  /** The instruction set. */
  readonly isa?: string | undefined;
  readonly conv?: ConvolutionMode | undefined;
}

export async function useBackend(
  name: BackendName,
  threads: number,
  kernels: Kernels = {},
): Promise<Backend> {
  const backend = await opened(name, threads, kernels);
  setBackend(backend);
  return backend;
}

async function opened(
  name: BackendName,
  threads: number,
  { isa, conv }: Kernels,
): Promise<Backend> {
  if (name === "reference") return openReference();
  const { openNative } = await import("../backends/native/index.js");
  return openNative({ threads, ...(isa && { isa }), ...(conv && { convolution: conv }) });
}
