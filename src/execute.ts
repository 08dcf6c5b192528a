// Plans on a backend: parameters brought there, memory checked before anything is loaded, inputs
// bound, results handed out.

import type { Backend, DeviceBuffer, Executable, RunResult } from "./backends/backend.js";
import { MemoryError, StaleTensorError, TraceError } from "./errors.js";
import { byteSize, type TypedArray, viewArray } from "./graph/dtype.js";
import type { Binding, Node } from "./graph/node.js";
import { sizeOf } from "./graph/shape.js";
import { bindingOf } from "./ops/leaf.js";
import { makePlan, type Plan } from "./plan/plan.js";
import { getBackend } from "./runtime.js";
import type { Place, State } from "./state.js";

/** Values for the arguments of a compiled function, by position. */
export type Arguments = readonly (TypedArray | DeviceBuffer)[];

/** Plans that each backend has loaded: they share its arena and scratch memory. */
const loaded = new WeakMap<Backend, Set<LoadedPlan>>();

export class LoadedPlan {
  private readonly executable: Executable;
  readonly scratchBytes: number;

  constructor(
    readonly plan: Plan,
    readonly backend: Backend,
  ) {
    this.scratchBytes = backend.scratchBytes(plan.program.calls);
    this.executable = backend.load(plan.program);
    const others = loaded.get(backend) ?? new Set();
    loaded.set(backend, others.add(this));
  }

  /**
   * Binds and starts a run. Host arguments are copied before this returns. Calls run in the order in
   * which they were made.
   */
  run(args: Arguments, profile = false): Promise<RunResult> {
    const arrivals = this.plan.states.map((state) => bringTo(state, this.backend));
    const waits = arrivals.flatMap(({ wait }) => (wait ? [wait] : []));
    const also = arrivals.flatMap(({ filled }) => (filled ? [filled] : []));
    if (waits.length === 0) {
      const result = this.start(args, profile);
      return also.length === 0 ? result : Promise.all([result, ...also]).then(([r]) => r);
    }
    const copies = args.map((a) => (ArrayBuffer.isView(a) ? (a.slice() as TypedArray) : a));
    return Promise.all([...waits, ...also]).then(() => this.start(copies, profile));
  }

  private start(args: Arguments, profile: boolean): Promise<RunResult> {
    const inputs = this.plan.inputs.map((binding) => this.bound(binding, args));
    const states = this.plan.states.map((state) => bufferOf(state));
    for (const state of this.plan.updated) state.version++;
    return this.executable.run({ inputs, states }, { profile });
  }

  private bound(binding: Binding, args: Arguments): TypedArray | DeviceBuffer {
    switch (binding.kind) {
      case "host":
        return binding.data;
      case "argument":
        return args[binding.position]!;
      case "dynamic":
        return binding.read();
      case "device":
        return binding.buffer;
      case "state":
        throw new TraceError("plan: a state cannot be bound as an input");
    }
  }

  dispose(): void {
    loaded.get(this.backend)?.delete(this);
    this.executable.dispose();
  }
}

// ---------------------------------------------------------------- states

function bufferOf(state: State): DeviceBuffer {
  if (state.place.kind !== "device")
    throw new TraceError(`state: "${state.name}" has no memory yet`);
  return state.place.buffer;
}

interface Arrival {
  /** Another backend still holds the values: nothing can start before this. */
  readonly wait?: Promise<void>;
  /** The values are being computed on this backend: what is started now runs after that. */
  readonly filled?: Promise<void>;
}

/** Moves between backends that are under way. */
const moves = new WeakMap<State, Promise<void>>();

/** Gives a state memory on `backend`, with its values or with their computation under way. */
function bringTo(state: State, backend: Backend): Arrival {
  const { place } = state;
  const moving = moves.get(state);
  if (moving) return { wait: moving };
  if (place.kind === "device") {
    if (place.backend === backend) return {};
    const wait = move(state, place, backend).finally(() => moves.delete(state));
    moves.set(state, wait);
    return { wait };
  }
  const buffer = backend.allocate(sizeOf(state.shape) * byteSize[state.dtype]);
  state.place = { kind: "device", backend, buffer };
  const binding = bindingOf(place.node);
  if (binding?.kind === "host") return { filled: backend.write(buffer, binding.data) };
  const plan = new LoadedPlan(makePlan({ outputs: [], updates: [[state, place.node]] }), backend);
  const { version } = state;
  const filled = plan.run([]).then(() => plan.dispose());
  state.version = version; // its first values are no change
  return { filled };
}

async function move(
  state: State,
  from: Place & { kind: "device" },
  backend: Backend,
): Promise<void> {
  const bytes = await from.backend.read(from.buffer);
  const buffer = backend.allocate(bytes.byteLength);
  await backend.write(buffer, viewArray(state.dtype, bytes));
  if (state.place === from) state.place = { kind: "device", backend, buffer };
}

// ---------------------------------------------------------------- single values

/** Computes one node, for `await t.data()`. */
export async function evaluate(node: Node): Promise<TypedArray> {
  const backend = getBackend();
  const binding = bindingOf(node);
  if (binding?.kind === "host") return binding.data;
  if (binding?.kind === "device")
    return typed(node, await (binding.owner as Backend).read(binding.buffer));
  if (binding?.kind === "argument")
    throw new TraceError("data: an argument of a compiled function has no value outside it");
  if (binding?.kind === "state") {
    checkFresh(binding);
    const state = binding.state as State;
    const { wait } = bringTo(state, backend);
    await wait;
    return typed(node, await backend.read(bufferOf(state)));
  }
  const plan = makePlan({ outputs: [node], updates: [] });
  const moved = await Promise.all(plan.inputs.map((b) => fetchForeign(b, backend)));
  for (const leaf of statesBehind(node)) checkFresh(leaf);
  checkMemory(plan, backend);
  const ready = new LoadedPlan({ ...plan, inputs: moved }, backend);
  try {
    const { outputs } = await ready.run([]);
    const bytes = await backend.read(outputs[0]!);
    outputs[0]!.dispose();
    return typed(node, bytes);
  } finally {
    ready.dispose();
  }
}

const typed = (node: Node, bytes: ArrayBuffer) =>
  viewArray(node.dtype, bytes, 0, sizeOf(node.shape));

/** A result that another backend holds, as host data. */
async function fetchForeign(binding: Binding, backend: Backend): Promise<Binding> {
  if (binding.kind !== "device" || binding.owner === backend) return binding;
  const bytes = await (binding.owner as Backend).read(binding.buffer);
  return { kind: "host", data: viewArray(binding.dtype, bytes) };
}

function checkFresh(binding: Extract<Binding, { kind: "state" }>): void {
  if (binding.version !== binding.state.version) throw new StaleTensorError(binding.state.name);
}

function* statesBehind(root: Node): Generator<Extract<Binding, { kind: "state" }>> {
  const seen = new Set<Node>();
  const stack = [root];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const binding = bindingOf(node);
    if (binding?.kind === "state") yield binding;
    stack.push(...node.inputs);
  }
}

// ---------------------------------------------------------------- memory

/** Bytes that a plan needs and a backend does not hold yet. */
export function memoryNeeded(plan: Plan, backend: Backend): number {
  const { program } = plan;
  const shared = program.arenaBytes + backend.scratchBytes(program.calls);
  const held = Math.max(
    0,
    ...[...(loaded.get(backend) ?? [])].map((p) => p.plan.program.arenaBytes + p.scratchBytes),
  );
  const ownBuffers = program.buffers.reduce(
    (sum, b) => sum + (b.kind === "input" || b.kind === "output" ? b.bytes : 0),
    0,
  );
  const newStates = plan.states.reduce(
    (sum, s) => sum + (s.place.kind === "device" ? 0 : sizeOf(s.shape) * byteSize[s.dtype]),
    0,
  );
  return Math.max(0, shared - held) + ownBuffers + newStates;
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
  let fits: number | undefined;
  if (batch && smaller) {
    let [low, high] = [0, batch];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (memoryNeeded(smaller(middle), backend) <= available) low = middle;
      else high = middle;
    }
    fits = low;
  }
  const advice =
    fits === undefined
      ? "use smaller tensors"
      : fits > 0
        ? `a batch of ${fits} would fit`
        : "not even a batch of 1 would fit";
  throw new MemoryError(
    needed,
    available,
    fits || undefined,
    `memory: this needs ${gibibytes(needed)}, and ${gibibytes(available)} are free; ${advice}`,
  );
}

const gibibytes = (bytes: number) =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
