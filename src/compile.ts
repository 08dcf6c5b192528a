// compile(fn): records what a function does, once for each combination of input shapes, and replays
// the plan made of it from then on, off the JavaScript thread.

import type { Backend, DeviceBuffer, Traits } from "./backends/backend.js";
import { ArgumentError, TraceError } from "./errors.js";
import { checkFresh, type LoadedPlan as Loaded, LoadedPlan } from "./execute.js";
import type { DType, TypedArray } from "./graph/dtype.js";
import type { Node } from "./graph/node.js";
import { checkMemory, memoryNeeded } from "./memory.js";
import { bindingOf, bound, statesBehind } from "./ops/leaf.js";
import { type ExplainedCall, explain, explainCalls } from "./plan/explain.js";
import { makePlan, type Plan } from "./plan/plan.js";
import { drawKey, getBackend, runtime } from "./runtime.js";
import { Tensor } from "./tensor.js";
import { type Guard, Trace } from "./trace.js";

/** What a compiled function may return: tensors, alone or in arrays and objects. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree } | undefined;

// biome-ignore lint/suspicious/noConfusingVoidType: a function that only steps returns nothing
type Returned = Tree | void;

export interface CompileOptions {
  /** Plans kept at most; the least recently used goes first. Default 16. */
  readonly plans?: number;
}

/** A plan for people. */
export interface PlanReport {
  readonly calls: readonly ExplainedCall[];
  /** Memory for intermediate values, known before the first run. */
  readonly arenaBytes: number;
  /** Memory that a first run needs and that is not held yet. */
  readonly neededBytes: number;
  /** As a table. */
  explain(): string;
}

export interface Compiled<A extends Tensor[], R> {
  /** Runs the plan for these shapes. Arguments are copied at the call; results own their memory. */
  (...args: A): Promise<R>;
  /** The plan for these arguments, made but not run. */
  plan(...args: A): PlanReport;
  /** Runs once, measuring each kernel call. */
  profile(...args: A): Promise<PlanReport>;
  /** Forgets all plans and frees their memory. */
  dispose(): void;
}

interface Entry<R> {
  readonly key: string;
  readonly backend: Backend;
  readonly guards: readonly Guard[];
  /** States that tensors from outside the function were computed from. */
  readonly captured: ReturnType<typeof statesBehind>;
  readonly loaded: Loaded;
  /** Puts result tensors where the function returned tensors. */
  readonly rebuild: (results: readonly Tensor[]) => R;
}

/**
 * Makes a fast, asynchronous function out of one that is written with tensors. Inside `fn`, training
 * code works as in PyTorch: `loss.backward(); optimizer.step()` become part of the plan. All that
 * `fn` returns is a result; parameters change only here. `fn` itself runs once per combination of
 * input shapes and modes, so anything else that it does (printing, counting) happens only then.
 *
 * @example
 * const double = compile((x: Tensor) => x.mul(2));
 * await (await double(tensor([1, 2]))).data(); // [2, 4]
 */
export function compile<A extends Tensor[], R extends Returned>(
  fn: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  const most = options.plans ?? 16;
  if (!(Number.isInteger(most) && most >= 1)) {
    throw new ArgumentError("compile", `plans must be a whole number ≥ 1, got ${most}`);
  }
  /** Most recently used last. */
  const entries: Entry<R>[] = [];

  const entryFor = (args: readonly Tensor[]): Entry<R> => {
    if (runtime.trace)
      throw new TraceError(
        "compile: a compiled function cannot be called inside another; call the plain function",
      );
    const backend = getBackend();
    const key = [...args.map((t) => `${t.dtype}[${t.shape}]`), runtime.gradsOff > 0].join();
    const at = entries.findIndex(
      (e) =>
        e.key === key &&
        e.backend === backend &&
        e.guards.every((g) => Object.is(g.read(), g.value)),
    );
    const found = at >= 0 ? entries.splice(at, 1)[0]! : undefined;
    const entry = found ?? build(args, key, backend);
    entries.push(entry);
    while (entries.length > most) entries.shift()!.loaded.dispose();
    return entry;
  };

  const build = (args: readonly Tensor[], key: string, backend: Backend): Entry<R> => {
    const { plan, trace, outputs, rebuild } = record(fn, args, backend.traits);
    const batch = args[0]?.shape[0];
    checkMemory(
      plan,
      backend,
      batch,
      (n) =>
        record(
          fn,
          args.map((t) => ({
            dtype: t.dtype,
            shape: t.shape[0] === batch ? [n, ...t.shape.slice(1)] : t.shape,
          })),
          backend.traits,
        ).plan,
    );
    const { guards, beginnings } = trace;
    const own = new Set([...beginnings].map(bindingOf));
    const captured = statesBehind(...outputs, ...trace.updates.values()).filter((b) => !own.has(b));
    return { key, backend, guards, captured, loaded: new LoadedPlan(plan, backend), rebuild };
  };

  const start = async (args: readonly Tensor[], profile: boolean) => {
    const entry = entryFor(args);
    const values = args.map((t) => argumentValue(t, entry.backend));
    entry.captured.forEach(checkFresh);
    const result = await entry.loaded.run(values, profile);
    return { entry, result };
  };

  const call = async (...args: A): Promise<R> => {
    const { entry, result } = await start(args, false);
    const { outputs } = entry.loaded.plan;
    return entry.rebuild(
      result.outputs.map(
        (buffer, i) =>
          new Tensor(
            bound(outputs[i]!.shape, outputs[i]!.dtype, {
              kind: "device",
              dtype: outputs[i]!.dtype,
              buffer,
              owner: entry.backend,
            }),
          ),
      ),
    );
  };
  return Object.assign(call, {
    plan: (...args: A): PlanReport => {
      const backend = getBackend();
      return report(record(fn, args, backend.traits).plan, backend);
    },
    profile: async (...args: A): Promise<PlanReport> => {
      const { entry, result } = await start(args, true);
      return report(entry.loaded.plan, entry.backend, result.seconds);
    },
    dispose: () => {
      for (const entry of entries.splice(0)) entry.loaded.dispose();
    },
  });
}

function report(plan: Plan, backend: Backend, seconds?: Float64Array): PlanReport {
  return {
    calls: explainCalls(plan, seconds),
    arenaBytes: plan.program.arenaBytes,
    neededBytes: memoryNeeded(plan, backend),
    explain: () => explain(plan, seconds),
  };
}

// ---------------------------------------------------------------- recording

interface Described {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

function record<A extends Tensor[], R extends Returned>(
  fn: (...args: A) => R,
  args: readonly Described[],
  traits: Traits,
): {
  plan: Plan;
  trace: Trace;
  outputs: readonly Node[];
  rebuild: (results: readonly Tensor[]) => R;
} {
  const trace = new Trace(drawKey);
  const inputs = args.map(
    ({ shape, dtype }, position) => new Tensor(bound(shape, dtype, { kind: "argument", position })),
  );
  const outside = runtime.trace;
  runtime.trace = trace;
  try {
    const returned = fn(...(inputs as A));
    if (returned instanceof Promise) {
      returned.catch(() => {}); // this error is the one to see
      throw new TraceError("compile: the function must not be async; read results outside it");
    }
    const tensors: Tensor[] = [];
    const shape = skeleton(returned, tensors);
    const outputs = tensors.map((t) => t.node);
    const { origins } = trace;
    origins.claim(outputs, { layer: "", pass: "forward" });
    origins.inherit([...trace.updates.values()], "update");
    const plan = makePlan({ outputs, updates: [...trace.updates] }, traits, origins);
    return { plan, trace, outputs, rebuild: (results) => shape(results) as R };
  } finally {
    runtime.trace = outside;
  }
}

/** Collects the tensors of a tree; gives back how to build the same tree around others. */
function skeleton(tree: Returned, tensors: Tensor[]): (results: readonly Tensor[]) => unknown {
  if (tree === undefined || tree === null) return () => undefined;
  if (tree instanceof Tensor) {
    const at = tensors.push(tree) - 1;
    return (results) => results[at]!;
  }
  if (Array.isArray(tree)) {
    const parts = tree.map((part) => skeleton(part, tensors));
    return (results) => parts.map((part) => part(results));
  }
  if (typeof tree !== "object")
    throw new TraceError(
      `compile: the function may return tensors, arrays and objects of them, got a ${typeof tree}`,
    );
  const parts = Object.entries(tree).map(([key, part]) => [key, skeleton(part, tensors)] as const);
  return (results) => Object.fromEntries(parts.map(([key, part]) => [key, part(results)]));
}

/** Host values or device memory where they are known; otherwise they are computed first. */
function argumentValue(
  t: Tensor,
  backend: Backend,
): TypedArray | DeviceBuffer | Promise<TypedArray> {
  const binding = bindingOf(t.node);
  if (binding?.kind === "host") return binding.data;
  if (binding?.kind === "device" && binding.owner === backend) return binding.buffer;
  return t.data();
}
