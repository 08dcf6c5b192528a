// Finds the layer that made the first value that is not finite: does a step's work once more, with the
// same images, weights and random numbers, while hooks tell what goes into and comes out of every module.
// Where it was the update of a step before, its work is gone, and its weights tell. It changes nothing.
// Browser-safe.

import { grad, stack } from "../combine.js";
import { compile } from "../compile.js";
import { zeros } from "../create.js";
import { MemoryError } from "../errors.js";
import type { Node } from "../graph/node.js";
import type { AnyModule, Module } from "../nn/module.js";
import type { Network } from "../nn/outputs.js";
import { Parameter, StateTensor } from "../nn/parameter.js";
import { randomState, requireTrace, setRandomState } from "../runtime.js";
import { Tensor } from "../tensor.js";
import type { Finding } from "./non-finite.js";
import { type StepOptions, totalLoss } from "./steps.js";

export interface StepInputs extends Required<StepOptions> {
  readonly x: Tensor;
  readonly y: Tensor;
  /** Where the step's random numbers begin. */
  readonly random: ReturnType<typeof randomState>;
  /** The steps whose updates nobody has looked at; of none, if the first comes after the last. */
  readonly updates: readonly [first: number, last: number];
}

/** The network must be in train mode, with its weights from before the step. */
export async function diagnose(net: Network, inputs: StepInputs): Promise<Finding | undefined> {
  const drawn = randomState();
  try {
    return (
      (await lookAtUpdates(net, inputs)) ??
      (await look(forwards, net, inputs)) ??
      (await look(backwards, net, inputs))
    );
  } catch (error) {
    if (error instanceof MemoryError) return undefined;
    throw error;
  } finally {
    setRandomState(drawn);
  }
}

/** A tensor that is to be finite, and what it says if it is not. */
type Suspect = readonly [tensor: Tensor, finding: Finding];

/** What there is to look at, in the order in which it is computed. */
type Look = (net: Network, events: readonly Event[], loss: Tensor) => Suspect[];

/** The finding of the first suspect that is not finite. */
async function look(order: Look, net: Network, inputs: StepInputs): Promise<Finding | undefined> {
  const { random, pixels, loss: lossOf } = inputs;
  let suspects: Suspect[] = [];
  const run = compile((x: Tensor, y: Tensor) => {
    const { events, output } = watched(net, pixels(x));
    suspects = order(net, events, totalLoss(output, y, lossOf)).filter(([t]) => t.dtype === "f32");
    requireTrace("diagnose").updates.clear(); // running means and the like
    // 0 · x is 0 for every finite x, and else NaN
    return stack(suspects.map(([t]) => t.mul(0).sum()));
  });
  try {
    setRandomState(random);
    const products = await (await run(inputs.x, inputs.y)).data();
    return suspects[products.findIndex((product) => product !== 0)]?.[1];
  } finally {
    run.dispose();
  }
}

/** What an update has made of weights. */
async function lookAtUpdates(net: Network, inputs: StepInputs): Promise<Finding | undefined> {
  const [first, last] = inputs.updates;
  const found = first <= last ? await look(statesFromTheLast, net, inputs) : undefined;
  if (!found) return undefined;
  const values = await net.stateDict().get(found.name!)!.data();
  // A loss would have shown NaN at once. What is infinite may have been without effect: ReLU(-∞) = 0.
  const steps = [values.some(Number.isNaN) ? last : first, last] as const;
  return { ...found, kind: "update", steps };
}

// ---------------------------------------------------------------- what happens in the network

/** Something goes into a module, or comes out of it. */
interface Event {
  readonly kind: "in" | "out";
  readonly module: AnyModule;
  /** The module whose forward was running: for "out" itself; undefined for what the network is given. */
  readonly by: AnyModule | undefined;
  readonly tensors: readonly Tensor[];
}

/** The network's output, and all that happened on the way. */
function watched(net: Network, images: Tensor) {
  const events: Event[] = [];
  const running: AnyModule[] = [];
  const hooks = [...net.modules()].flatMap((module) => [
    module.registerForwardPreHook((_: Module, args: readonly unknown[]) => {
      events.push({ kind: "in", module, by: running.at(-1), tensors: tensorsIn(args) });
      running.push(module);
    }),
    module.registerForwardHook((_: Module, output: unknown) => {
      running.pop();
      events.push({ kind: "out", module, by: module, tensors: tensorsIn(output) });
    }),
  ]);
  try {
    return { output: net(images), events };
  } finally {
    for (const remove of hooks) remove();
  }
}

/** The tensors in arrays and plain objects. */
function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(tensorsIn);
}

/** A layer as findings name it. */
function nameOf(net: Network, module: AnyModule): Pick<Required<Finding>, "layer" | "type"> {
  const [layer] = [...net.namedModules()].find(([, own]) => own === module) ?? [""];
  return { layer, type: module.constructor.name };
}

const below = (layer: string, name: string) => (layer === "" ? name : `${layer}.${name}`);

/** Parameters and buffers that are the module's own, not its children's. */
const ownStates = (module: AnyModule): [string, StateTensor][] =>
  Object.entries(module).flatMap(([name, value]) =>
    value instanceof StateTensor ? [[name, value]] : [],
  );

const ownParameters = (module: AnyModule): [string, Parameter][] =>
  Object.entries(module).flatMap(([name, value]) =>
    value instanceof Parameter && value.requiresGrad ? [[name, value]] : [],
  );

// ---------------------------------------------------------------- the orders

/** Parameters and buffers, the last layer's first: gradients come by them so, and spoil all on their way. */
const statesFromTheLast: Look = (net, events) =>
  events
    .filter(({ kind }) => kind === "in")
    .reverse()
    .flatMap(({ module }) => suspectStates(net, module));

/** A module's own; not what is given to it for good, which may be infinite on purpose. */
function suspectStates(net: Network, module: AnyModule): Suspect[] {
  const { updates } = requireTrace("diagnose");
  const states = ownStates(module).filter(
    ([, own]) => own instanceof Parameter || updates.has(own.state),
  );
  const of = nameOf(net, module);
  return states.map(([name, state]) => {
    return [beginningOf(state), { kind: "values", ...of, name: below(of.layer, name) }];
  });
}

/** Values, as they are computed: a module's own before what it makes of them. */
const forwards: Look = (net, events, loss) => [
  ...events.flatMap(({ kind, module, by, tensors }): Suspect[] => {
    const named = nameOf(net, by ?? module);
    const finding: Finding = by ? { kind: "output", ...named } : { kind: "images" };
    return [
      ...tensors.map((tensor): Suspect => [tensor, finding]),
      ...(kind === "in" ? suspectStates(net, module) : []),
    ];
  }),
  [loss, { kind: "loss" }],
];

/** What a state was before this run's forward changed it, as batch norm does. */
function beginningOf({ state }: StateTensor): Tensor {
  return new Tensor(requireTrace("diagnose").beginning(state));
}

/** Gradients, from the loss back: of what a module made, then of its parameters, then of what it took. */
const backwards: Look = (net, events, loss) => {
  const tensors = new Map(events.flatMap((event) => event.tensors.map((t) => [t.node, t])));
  const parameters = [...net.modules()].flatMap(ownParameters).map(([, parameter]) => parameter);
  const wanted = [...tensors.values(), ...parameters];
  const gradients = new Map(grad(loss, wanted).map((g, i) => [wanted[i]!.node, g]));

  const told = new Set<Node>();
  const suspects: Suspect[][] = [];
  for (const [at, { kind, module, tensors }] of events.entries()) {
    const fresh = tensors.filter(({ node }) => !told.has(node));
    for (const { node } of fresh) told.add(node);
    const named = nameOf(net, module);
    const own = kind === "in" ? ownParameters(module) : [];
    suspects.push([
      ...own.map(([name, parameter]): Suspect => {
        const finding = { kind: "gradient", ...named, name: below(named.layer, name) } as const;
        return [gradients.get(parameter.node)!, finding];
      }),
      ...fresh.flatMap((tensor) => sentBack(net, events, at, tensor, gradients)),
    ]);
  }
  return suspects.reverse().flat();
};

/** The gradient of a tensor, and who may have sent it back: what has used the tensor since event `at`. */
function sentBack(
  net: Network,
  events: readonly Event[],
  at: number,
  { node, shape, dtype }: Tensor,
  gradients: ReadonlyMap<Node, Tensor>,
): Suspect[] {
  if (dtype !== "f32") return [];
  const tensor = new Tensor(node);
  const users = usersOf(events, at, node);
  const blamed = (module: AnyModule): Finding => ({ kind: "gradient", ...nameOf(net, module) });
  const all = gradients.get(node)!;
  if (users.length === 1) return [[all, blamed(users[0]!.module)]];
  const inOutput = events.at(-1)!.tensors.some((t) => t.node === node);
  const { by } = events[at]!;
  const parent = events.find(({ kind, module }) => kind === "in" && module === by)?.by ?? by;
  const rest: Suspect = [all, inOutput || !parent ? { kind: "gradient" } : blamed(parent)];
  // What one of several sends back: the gradient of what it made, taken through it alone.
  const parts = users.reverse().map(({ module, made }): Suspect => {
    const weighted = made.map((t) => t.mul(gradients.get(t.node)!.detach()).sum());
    const sum = weighted.reduce((a, b) => a.add(b), zeros([]));
    return [grad(sum, [tensor])[0] ?? zeros(shape), blamed(module)];
  });
  return [...parts, rest];
}

/** The innermost modules that were given a tensor from event `at` on, with what they made. */
function usersOf(events: readonly Event[], at: number, node: Node) {
  return events.flatMap(({ kind, module, tensors }, i) => {
    if (i < at || kind !== "in" || !tensors.some((t) => t.node === node)) return [];
    const end = events.findIndex((e, j) => j > i && e.kind === "out" && e.module === module);
    const inside = events.slice(i + 1, end);
    if (inside.some((e) => e.kind === "in" && e.tensors.some((t) => t.node === node))) return [];
    return [{ module, made: events[end]!.tensors.filter(({ dtype }) => dtype === "f32") }];
  });
}
