// Opens a backend by name and makes it the one that everything uses.

import type { Backend } from "../backends/backend.js";
import { physicalCores } from "../backends/native/machine.js";
import { openReference } from "../backends/reference/index.js";
import "../engine.js";
import { setBackend } from "../runtime.js";

export const backendNames = ["native", "reference"] as const;
export type BackendName = (typeof backendNames)[number];

/** Threads that a backend uses when none are asked for. */
export function defaultThreads(name: BackendName): number {
  return name === "native" ? physicalCores() : 1;
}

/** `isa`: the instruction set of the native one, by default the best that there is. */
export async function useBackend(
  name: BackendName,
  threads: number,
  isa?: string,
): Promise<Backend> {
  const backend = await opened(name, threads, isa);
  setBackend(backend);
  return backend;
}

async function opened(name: BackendName, threads: number, isa?: string): Promise<Backend> {
  if (name === "reference") return openReference();
  const { openNative } = await import("../backends/native/index.js");
  return openNative({ threads, ...(isa !== undefined && { isa }) });
}
