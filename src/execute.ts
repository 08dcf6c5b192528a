// Plans on a backend: parameters brought there, memory checked before anything is loaded, inputs
// bound, results handed out.

import type { Backend, DeviceBuffer, Executable, RunResult } from "./backends/backend.js";
import { StaleTensorError, TraceError } from "./errors.js";
import { byteSize, type TypedArray, viewArray } from "./graph/dtype.js";
import type { Binding, Node } from "./graph/node.js";
import { sizeOf } from "./graph/shape.js";
import { checkMemory, holdMemory, releaseMemory } from "./memory.js";
import { bindingOf, statesBehind } from "./ops/leaf.js";
import { makePlan, type Plan } from "./plan/plan.js";
import { getBackend, runtime } from "./runtime.js";
import type { Place, State } from "./state.js";

/** Values for the arguments of a compiled function, by position. */
export type Arguments = readonly (TypedArray | DeviceBuffer)[];

/** Values that may still be on their way. */
type PendingArguments = readonly (Arguments[number] | Promise<TypedArray>)[];

type DeviceBinding = Extract<Binding, { kind: "device" }>;

export class LoadedPlan {
  private readonly executable: Executable;
  /** Resolves when the runs that were asked for are done. */
  private idle: Promise<unknown> = Promise.resolve();
  readonly scratchBytes: number;
  /** Inputs that another backend holds. */
  private readonly foreign: readonly DeviceBinding[];

  constructor(
    readonly plan: Plan,
    readonly backend: Backend,
  ) {
    this.scratchBytes = backend.scratchBytes(plan.program.calls);
    this.executable = backend.load(plan.program);
    this.foreign = plan.inputs.filter(
      (b) => b.kind === "device" && b.owner !== backend,
    ) as DeviceBinding[];
    holdMemory(backend, this);
  }

  /**
   * Binds and starts a run. Host arguments are copied before this returns. Calls run in the order in
   * which they were made, whatever they wait for.
   */
  run(args: PendingArguments, profile = false): Promise<RunResult> {
    const drawn = this.drawn();
    const start = (known: Arguments) => this.start(known, drawn, profile);
    const result = inTurn(this.plan.states, this.backend, [...args, ...this.fetched()], start);
    // what could not even be asked for has changed nothing
    for (const state of this.plan.updated) state.version++;
    this.idle = result.then(nothing, nothing);
    return result;
  }

  /** What other backends hold of the inputs, as it arrives. */
  fetched(): Promise<TypedArray>[] {
    return this.foreign.map(async ({ owner, buffer, dtype }) =>
      viewArray(dtype, await (owner as Backend).read(buffer)),
    );
  }

  /** Starts a run whose states are there; `known` are its arguments, and then what was fetched. */
  start(known: Arguments, drawn = this.drawn(), profile = false): Promise<RunResult> {
    const inputs = this.plan.inputs.map((binding, i) => drawn[i] ?? this.bound(binding, known));
    const states = this.plan.states.map((state) => bufferOf(state));
    return this.executable.run({ inputs, states }, { profile });
  }

  /** What each run asks for anew, at the call: learning rates, a random key. */
  private drawn(): (TypedArray | undefined)[] {
    return this.plan.inputs.map((b) => (b.kind === "dynamic" ? b.read() : undefined));
  }

  private bound(binding: Binding, known: Arguments): TypedArray | DeviceBuffer {
    const args = known.length - this.foreign.length;
    switch (binding.kind) {
      case "host":
        return binding.data;
      case "argument":
        return known.slice(0, args)[binding.position] ?? outsideTrace();
      case "device": {
        const at = this.foreign.indexOf(binding);
        return at < 0 ? binding.buffer : known[args + at]!;
      }
      default:
        throw new TraceError(`plan: a ${binding.kind} cannot be bound as an input`);
    }
  }

  /** Frees the plan's memory, after the runs that were asked for. */
  dispose(): void {
    releaseMemory(this.backend, this);
    this.idle.then(() => this.executable.dispose());
  }
}

const nothing = () => {};

// ---------------------------------------------------------------- states

function bufferOf(state: State): DeviceBuffer {
  if (state.place.kind !== "device")
    throw new TraceError(`state: "${state.name}" has no memory yet`);
  return state.place.buffer;
}

/** For each backend, the last of the calls that wait for something. */
const waiting = new WeakMap<Backend, Promise<unknown>>();

/**
 * Calls `start` once all states are on `backend` and all arguments are known: at once if they are, else
 * when other backends have handed them over. Nothing overtakes a call that waits.
 */
function inTurn<T>(
  states: readonly State[],
  backend: Backend,
  args: PendingArguments,
  start: (args: Arguments) => Promise<T>,
): Promise<T> {
  const ahead = waiting.get(backend);
  const arrivals = ahead ? [] : states.map((state) => bringTo(state, backend));
  const moves = arrivals.flatMap((a) => (a?.kind === "moved" ? [a.done] : []));
  const filled = [
    ...arrivals.flatMap((a) => (a?.kind === "filled" ? [a.done] : [])),
    ...states.flatMap(({ arriving }) => arriving ?? []),
  ];
  const joined = (result: Promise<T>) =>
    filled.length === 0 ? result : Promise.all([result, ...filled]).then(([r]) => r);
  if (!ahead && moves.length === 0 && !args.some((a) => a instanceof Promise))
    return joined(start(args as Arguments));

  // an argument that fails before its turn has come is told of then
  for (const a of args) if (a instanceof Promise) a.catch(nothing);
  const copies = args.map((a) => (ArrayBuffer.isView(a) ? (a.slice() as TypedArray) : a));
  const later = ahead?.then(() => Promise.all(states.map((s) => bringTo(s, backend)?.done)));
  const turn = Promise.all([later, ...moves])
    .then(() => Promise.all(copies))
    .then((known) => ({ result: start(known) }));
  const settled: Promise<void> = turn.then(nothing, nothing).then(() => {
    if (waiting.get(backend) === settled) waiting.delete(backend);
  });
  waiting.set(backend, settled);
  return joined(turn.then(({ result }) => result));
}

/** Gives a state memory on `backend`; undefined if it has that already. */
function bringTo(
  state: State,
  backend: Backend,
): { readonly kind: "moved" | "filled"; readonly done: Promise<unknown> } | undefined {
  const { place } = state;
  if (place.kind === "device") {
    if (place.backend === backend) return undefined;
    return { kind: "moved", done: move(state, place, backend) };
  }
  const buffer = backend.allocate(sizeOf(state.shape) * byteSize[state.dtype]);
  const here: Place = { kind: "device", backend, buffer };
  // values that did not arrive are not there: whoever needs them next tries again
  const failed = (error: unknown): never => {
    if (state.place === here) state.place = place;
    throw error;
  };
  const binding = bindingOf(place.node);
  if (binding?.kind === "host") {
    state.place = here;
    return { kind: "filled", done: backend.write(buffer, binding.data).catch(failed) };
  }
  const plan = new LoadedPlan(
    makePlan({ outputs: [], updates: [[state, place.node]] }, backend.traits),
    backend,
  );
  state.place = here;
  const fetched = plan.fetched();
  const done =
    fetched.length === 0 ? plan.start([]) : Promise.all(fetched).then((f) => plan.start(f));
  return {
    kind: fetched.length === 0 ? "filled" : "moved",
    done: done.catch(failed).finally(() => plan.dispose()),
  };
}

/**
 * Gives a state the values of `node`. What is computed from states is computed now, before they change;
 * behind calls that wait, whatever it is takes its turn, since they are to see the old values.
 */
export function store(state: State, node: Node): void {
  const sources = statesBehind(node);
  const { backend } = runtime;
  if (sources.length === 0 && !(backend && waiting.has(backend))) {
    state.set(node);
    return;
  }
  sources.forEach(checkFresh);
  const target = getBackend();
  const plan = new LoadedPlan(
    makePlan({ outputs: [], updates: [[state, node]] }, target.traits),
    target,
  );
  const arriving = plan.run([]).finally(() => plan.dispose());
  state.arriving = arriving;
  // of values that did not arrive, whoever needs them is told
  arriving.then(() => {
    if (state.arriving === arriving) state.arriving = undefined;
  }, nothing);
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
  if (binding?.kind === "argument") return outsideTrace();
  const states = statesBehind(node);
  states.forEach(checkFresh);
  if (binding?.kind === "state") {
    const state = binding.state as State;
    const bytes = await inTurn([state], backend, [], () => backend.read(bufferOf(state)));
    return typed(node, bytes);
  }
  // nothing is awaited before the run has been asked for, so that no later step comes before it
  const plan = makePlan({ outputs: [node], updates: [] }, backend.traits);
  checkMemory(plan, backend);
  const ready = new LoadedPlan(plan, backend);
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

function outsideTrace(): never {
  throw new TraceError("data: an argument of a compiled function has no value outside it");
}

/** Throws if a state has changed since the expression that reads it was written. */
export function checkFresh(binding: Extract<Binding, { kind: "state" }>): void {
  if (binding.version !== binding.state.version) throw new StaleTensorError(binding.state.name);
}
