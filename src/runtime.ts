// The one piece of module-level state: what lazily written tensors need from above when they are
// read, and the function being recorded, if any.

import type { Backend } from "./backends/backend.js";
import { TraceError } from "./errors.js";
import type { TypedArray } from "./graph/dtype.js";
import type { Node } from "./graph/node.js";
import { bound } from "./ops/leaf.js";
import type { RandomSource } from "./ops/random.js";
import type { State } from "./state.js";
import type { Trace } from "./trace.js";

interface Runtime {
  /** Opens the backend when it is first needed. */
  open: () => Backend;
  backend: Backend | undefined;
  /** Computes one node; put here by the engine above. */
  evaluate: (node: Node) => Promise<TypedArray>;
  /** Gives a state the values that a node has now; put here by the engine above. */
  store: (state: State, node: Node) => void;
  trace: Trace | undefined;
  /** Depth of noGrad() calls. */
  gradsOff: number;
  /** Key of the random numbers: the seed, and how many draws have been made from it. */
  seed: number;
  step: number;
}

const missing = (what: string) => () => {
  throw new TraceError(`${what}: import from "fovea", not from one of its inner files`);
};

export const runtime: Runtime = {
  open: missing("backend"),
  backend: undefined,
  evaluate: missing("data"),
  store: missing("set"),
  trace: undefined,
  gradsOff: 0,
  seed: 0,
  step: 0,
};

/** The backend that computes everything, opened on first use. */
export function getBackend(): Backend {
  runtime.backend ??= runtime.open();
  return runtime.backend;
}

/**
 * Computes everything from now on with `backend`; parameters move over when they are next used.
 * The caller closes the one that was in use before, if nothing needs it any more.
 */
export function setBackend(backend: Backend): void {
  runtime.backend = backend;
}

/**
 * Starts all random numbers (initial weights, dropout, `randn`) anew from `seed`: the same program
 * then draws the same numbers, on any machine and with any number of threads.
 *
 * @example manualSeed(42);
 */
export function manualSeed(seed: number): void {
  runtime.seed = seed | 0;
  runtime.step = 0;
}

/** Seed and number of draws so far: all there is to save of the random state. */
export function randomState(): { seed: number; step: number } {
  return { seed: runtime.seed, step: runtime.step };
}

/** Goes on drawing where `randomState` was taken. */
export function setRandomState(state: { seed: number; step: number }): void {
  runtime.seed = state.seed;
  runtime.step = state.step;
}

/** The next random key: (seed, step). */
export function drawKey(): Int32Array<ArrayBuffer> {
  return Int32Array.of(runtime.seed, runtime.step++);
}

/** Where random ops take their numbers: from the recording, or from a key drawn on the spot. */
export function randomSource(): RandomSource {
  if (runtime.trace) return runtime.trace;
  let streams = 0;
  const key = bound([2], "i32", { kind: "host", data: drawKey() });
  return { key, nextStream: () => streams++ };
}

/** The recording in progress; throws outside compile(). */
export function requireTrace(op: string): Trace {
  if (!runtime.trace) {
    throw new TraceError(
      `${op}: works inside a function given to compile() only; outside, grad(loss, [w]) gives gradients`,
    );
  }
  return runtime.trace;
}

/**
 * Calls `fn` with gradients off: what it computes counts as constant for `backward()` and `grad()`.
 *
 * @example const features = noGrad(() => net(images));
 */
export function noGrad<T>(fn: () => T): T {
  runtime.gradsOff++;
  try {
    return fn();
  } finally {
    runtime.gradsOff--;
  }
}
