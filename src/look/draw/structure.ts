// Which layer feeds which: a network run on paper. Tensors are nodes of a graph and hold no values, so
// nothing is computed; hooks tell which module made which node, and what lies between two modules are
// functions that some forward called.

import type { Node } from "../../graph/node.js";
import type { Shape } from "../../graph/shape.js";
import type { AnyModule, Network } from "../../nn/index.js";
import { tensorsIn } from "../../nn/recorded.js";
import { bound } from "../../ops/leaf.js";
import { runtime } from "../../runtime.js";
import { Tensor } from "../../tensor.js";
import { Trace } from "../../trace.js";
import {
  isIdentity,
  isLayer,
  isProduct,
  joinLabel,
  operationOfFunctions,
  operationOfModule,
  windowOrProduct,
} from "./operation.js";
import type { Group, Operation, Step, Structure } from "./step.js";

/**
 * The steps of `net` for an input of the given shape, in training mode: so auxiliary classifiers are
 * there. Modes are restored, and no parameter, buffer or random state changes.
 */
export function structureOf(net: Network, input: Shape): Structure {
  const x = new Tensor(bound(input, "f32", { kind: "argument", position: 0 }));
  const recorder = new Recorder(x.node);
  const modules = [...net.namedModules()];
  const modes = modules.map(([, module]) => module.training);
  const hooks = modules.flatMap(([name, module]) => [
    module.registerForwardPreHook((_, args) => recorder.enter(name, module, args)),
    module.registerForwardHook((_, output) => recorder.leave(module, output)),
  ]);
  const outside = runtime.trace;
  // a recording of our own: what modules draw or update while they train stays in it
  runtime.trace = new Trace(() => Int32Array.of(0, 0));
  try {
    net.train();
    net(x);
  } finally {
    runtime.trace = outside;
    for (const remove of hooks) remove();
    // from the outside in: each sets all that is below it
    for (const [i, [, module]] of modules.entries()) module.train(modes[i]!);
  }
  return recorder.finished();
}

/** Where a node's value comes from: a step, and functions applied to its result since. */
interface Origin {
  readonly base: Step;
  readonly functions: readonly Node[];
}

/** A module whose forward is running. */
interface Call {
  readonly group: Group | undefined;
  readonly name: string;
  readonly inputs: readonly Step[];
  readonly given: readonly Node[];
}

class Recorder {
  readonly #steps: Step[] = [];
  /** undefined: the node does not depend on the input. */
  readonly #origins = new Map<Node, Origin | undefined>();
  readonly #calls: Call[] = [];
  #outputs: readonly Step[] = [];

  constructor(input: Node) {
    this.#add({ operation: { kind: "input" }, inputs: [], group: undefined }, input);
  }

  enter(name: string, module: AnyModule, args: readonly unknown[]): void {
    const parent = this.#calls.at(-1)?.group;
    const given = tensorsIn(args).map((t) => t.node);
    const inputs = this.#materialized(given, parent);
    const group =
      this.#calls.length === 0 ? undefined : { name, type: module.constructor.name, parent };
    this.#calls.push({ group, name, inputs, given });
  }

  leave(module: AnyModule, output: unknown): void {
    const { group, name, inputs, given } = this.#calls.pop()!;
    const results = tensorsIn([output]).map((t) => t.node);
    const [result] = results;
    if (this.#calls.length === 0) this.#outputs = this.#materialized(results, undefined);
    else if (results.length !== 1 || !result || inputs.length === 0 || hasChildren(module)) {
      this.#materialized(results, group);
    } else {
      const inside = this.#between(result, new Set(given));
      if (inside.filter((node) => isProduct(node)).length > 1) {
        this.#materialized(results, group);
        return;
      }
      const operation = operationOfModule(module, inside, given[0]!.shape, result.shape);
      const parameters = [...module.parameters()].reduce((sum, p) => sum + p.numel(), 0);
      this.#add({ operation, name, inputs, group: group?.parent, parameters }, result);
    }
  }

  finished(): Structure {
    return { steps: this.#steps, outputs: this.#outputs };
  }

  /** The steps that give these nodes; functions not yet seen become steps of `group`. */
  #materialized(nodes: readonly Node[], group: Group | undefined): Step[] {
    const steps = nodes.flatMap((node) => {
      for (const next of this.#unknown(node)) this.#origins.set(next, this.#trace(next, group));
      return this.#step(node, group) ?? [];
    });
    return [...new Set(steps)];
  }

  /** The step of a node whose origin is known. */
  #step(node: Node, group: Group | undefined): Step | undefined {
    const origin = this.#origins.get(node);
    if (!origin || origin.functions.length === 0) return origin?.base;
    const { base, functions } = origin;
    const from = [node.shape[0]!, ...base.shape];
    return this.#add(
      { operation: operationOfFunctions(functions, from), inputs: [base], group },
      node,
    );
  }

  /** The origin of a node whose inputs' origins are known. */
  #trace(node: Node, group: Group | undefined): Origin | undefined {
    const given = node.inputs.filter((input) => this.#origins.get(input));
    const origins = given.map((input) => this.#origins.get(input)!);
    const [first] = origins;
    if (!first) return undefined;
    if (isIdentity(node)) return first;
    const { kind } = node.op.lower;
    const layer = isLayer(node);
    const joins =
      kind === "assemble" ? origins.length > 1 : origins.some((o) => o.base !== first.base);
    if (!joins && !layer) {
      const functions = new Set([...origins.flatMap((o) => o.functions), node]);
      return { base: first.base, functions: [...functions] };
    }
    const inputs = given.map((input, i) => {
      const { base, functions } = origins[i]!;
      const moved = functions.every(({ op }) => op.lower.kind === "view");
      return moved && !layer ? base : this.#step(input, group)!;
    });
    const operation: Operation = joins
      ? { kind: "join", label: joinLabel(node) }
      : windowOrProduct(node)!;
    this.#add({ operation, inputs: [...new Set(inputs)], group }, node);
    return this.#origins.get(node);
  }

  #add(step: Pick<Step, "operation" | "inputs" | "group"> & Partial<Step>, node: Node): Step {
    const added: Step = {
      id: this.#steps.length,
      name: "",
      shape: node.shape.slice(1),
      parameters: 0,
      notes: [],
      ...step,
    };
    this.#steps.push(added);
    this.#origins.set(node, { base: added, functions: [] });
    return added;
  }

  /** The nodes that `root` depends on and that have no origin yet, each after its inputs. */
  #unknown(root: Node): Node[] {
    return upTo(root, (node) => this.#origins.has(node));
  }

  /** The nodes of a module that depend on what it is given. */
  #between(result: Node, given: ReadonlySet<Node>): Node[] {
    const depends = new Set(given);
    return upTo(result, (node) => given.has(node)).filter((node) => {
      const own = node.inputs.some((input) => depends.has(input));
      if (own) depends.add(node);
      return own;
    });
  }
}

const hasChildren = (module: AnyModule) => [...module.children()].length > 0;

/** `root` and what it depends on, each after its inputs, but for what is `known` already. */
function upTo(root: Node, known: (node: Node) => boolean): Node[] {
  const done = new Set<Node>();
  const order: Node[] = [];
  const stack: { readonly node: Node; next: number }[] = known(root)
    ? []
    : [{ node: root, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const input = top.node.inputs[top.next++];
    if (input === undefined || done.has(top.node)) {
      if (!done.has(top.node)) order.push(top.node);
      done.add(top.node);
      stack.pop();
    } else if (!done.has(input) && !known(input)) {
      stack.push({ node: input, next: 0 });
    }
  }
  return order;
}
