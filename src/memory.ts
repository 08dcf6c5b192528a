// Whether the machine has the memory that a plan needs: known before the first step, and said with the
// batch size that would fit.

import type { Backend } from "./backends/backend.js";
import { MemoryError } from "./errors.js";
import { byteSize } from "./graph/dtype.js";
import { sizeOf } from "./graph/shape.js";
import type { Plan } from "./plan/plan.js";

/** A plan that a backend has loaded. */
interface Held {
  readonly plan: Plan;
  readonly scratchBytes: number;
}

/** Plans that each backend has loaded: they share its arena and scratch memory. */
const held = new WeakMap<Backend, Set<Held>>();

export function holdMemory(backend: Backend, plan: Held): void {
  const others = held.get(backend) ?? new Set();
  held.set(backend, others.add(plan));
}

export function releaseMemory(backend: Backend, plan: Held): void {
  held.get(backend)?.delete(plan);
}

function heldBytes(backend: Backend): number {
  const plans = [...(held.get(backend) ?? [])];
  return Math.max(0, ...plans.map((p) => p.plan.program.arenaBytes + p.scratchBytes));
}

/** Bytes that a plan needs and a backend does not hold yet. */
export function memoryNeeded(plan: Plan, backend: Backend): number {
  const { program } = plan;
  const shared = program.arenaBytes + backend.scratchBytes(program.calls);
  const ownBuffers = program.buffers.reduce(
    (sum, b) => sum + (b.kind === "input" || b.kind === "output" ? b.bytes : 0),
    0,
  );
  const newStates = plan.states.reduce(
    (sum, s) => sum + (s.place.kind === "device" ? 0 : sizeOf(s.shape) * byteSize[s.dtype]),
    0,
  );
  return Math.max(0, shared - heldBytes(backend)) + ownBuffers + newStates;
}

/** Throws MemoryError if the machine has less; `smaller` plans the same for another batch size. */
export function checkMemory(
  plan: Plan,
  backend: Backend,
  batch?: number,
  smaller?: (batch: number) => Plan,
): void {
  const available = backend.availableMemory();
  if (available === undefined) return;
  const needed = memoryNeeded(plan, backend);
  if (needed <= available) return;
  const fits =
    batch && smaller
      ? largestBelow(batch, (n) => memoryNeeded(smaller(n), backend) <= available)
      : undefined;
  const advice =
    fits === undefined
      ? "use smaller tensors"
      : fits > 0
        ? `a batch of ${fits} would fit`
        : "not even a batch of 1 would fit: use smaller images, or a smaller network";
  throw new MemoryError(
    needed,
    available,
    fits || undefined,
    `memory: this needs ${gibibytes(needed)}, and ${gibibytes(available)} are free; ${advice}`,
  );
}

/** The largest batch that fits; undefined where the function does not take other batches. */
function largestBelow(batch: number, fits: (batch: number) => boolean): number | undefined {
  let [low, high] = [0, batch];
  try {
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (fits(middle)) low = middle;
      else high = middle;
    }
    return low;
  } catch {
    return undefined;
  }
}

const gibibytes = (bytes: number) =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
