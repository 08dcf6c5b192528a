// What a function does while compile() records it: which states it reads and updates, which gradients
// it takes, and which facts about the world outside (train or eval mode, …) the recording holds for.

import type { TypedArray } from "./graph/dtype.js";
import type { Node } from "./graph/node.js";
import { Origins } from "./graph/origins.js";
import { detach } from "./ops/detach.js";
import { where } from "./ops/elementwise.js";
import { bindingOf, bound } from "./ops/leaf.js";
import type { RandomSource } from "./ops/random.js";
import type { State } from "./state.js";

/** A fact that the recording depends on. A plan is used again only while all of them still hold. */
export interface Guard {
  readonly read: () => unknown;
  readonly value: unknown;
}

export class Trace implements RandomSource {
  /** What each state is at this point of the recording. */
  readonly values = new Map<State, Node>();
  /** What each changed state is to be at the end. */
  readonly updates = new Map<State, Node>();
  /** Gradients taken so far, summed over several backward() calls. */
  readonly gradients = new Map<State, Node>();
  readonly guards: Guard[] = [];
  /** What states are at the beginning: read anew at every run. */
  readonly beginnings = new Set<Node>();
  readonly origins = new Origins();
  /** The modules whose forward is running, the innermost last. */
  readonly layers: { readonly module: object; readonly name: string }[] = [];
  #key: Node | undefined;
  #streams = 0;

  /** `randomKey` is asked for once at every run of a plan that draws random numbers. */
  constructor(private readonly randomKey: () => TypedArray) {}

  /** The state as the recording sees it now: what a step before has made of it. */
  read(state: State): Node {
    let node = this.values.get(state);
    if (!node) {
      this.guard(() => state.requiresGrad);
      node = bound(state.shape, state.dtype, { kind: "state", state, version: state.version });
      this.values.set(state, node);
      this.beginnings.add(node);
    }
    return node;
  }

  /** What comes after sees `node` as a constant: no gradient flows into an update. */
  write(state: State, node: Node): void {
    this.values.set(state, detach(node));
    this.updates.set(state, node);
  }

  /** Makes all updates so far depend on a scalar: where it is 0, the states stay as they are. */
  onlyIf(condition: Node): void {
    for (const [state, node] of this.updates)
      this.write(state, where(condition, node, this.beginning(state)));
  }

  /** What a state is at the beginning, whatever it has become since. */
  beginning(state: State): Node {
    for (const node of this.beginnings) {
      const binding = bindingOf(node);
      if (binding?.kind === "state" && binding.state === state) return node;
    }
    const { shape, dtype, version } = state;
    const node = bound(shape, dtype, { kind: "state", state, version });
    this.beginnings.add(node);
    return node;
  }

  /** Reads a fact and notes that the recording is only good while it stays the same. */
  guard<T>(read: () => T): T {
    const value = read();
    this.guards.push({ read, value });
    return value;
  }

  get key(): Node {
    this.#key ??= bound([2], "i32", { kind: "dynamic", read: this.randomKey });
    return this.#key;
  }

  nextStream(): number {
    return this.#streams++;
  }
}
