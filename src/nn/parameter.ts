// Tensors that last: what a module learns (Parameter) or merely keeps (Buffer).

import { zeros } from "../create.js";
import type { Node } from "../graph/node.js";
import { checkSameShape } from "../graph/shape.js";
import { detach } from "../ops/detach.js";
import { statesBehind } from "../ops/leaf.js";
import { runtime } from "../runtime.js";
import { State } from "../state.js";
import { Tensor } from "../tensor.js";

/** A tensor whose values stay from one run to the next. Reading it outside compile() gives the present ones. */
export class StateTensor extends Tensor {
  readonly state: State;

  constructor(initial: Tensor, name: string, requiresGrad: boolean) {
    super(initial.node);
    const { node, shape, dtype } = initial;
    const drawn = statesBehind(node).length === 0;
    this.state = new State(name, drawn ? node : zeros(shape, dtype).node, requiresGrad);
    if (!drawn) runtime.store(this.state, node);
  }

  /** What the tensor is now; while a function is recorded, what the steps before have made of it. */
  override get node(): Node {
    const { state } = this;
    const node = runtime.trace ? runtime.trace.read(state) : state.leaf;
    return runtime.gradsOff > 0 ? detach(node) : node;
  }

  override data() {
    // never cached: the next step changes it
    return new Tensor(this.node).data();
  }

  /**
   * Replaces all values: with a step of the function being recorded, or at once outside compile().
   */
  set(values: Tensor): void {
    checkSameShape(`set ${this.state.name}`, values.shape, this.shape);
    const node = values.to(this.dtype).node;
    if (runtime.trace) runtime.trace.write(this.state, node);
    else runtime.store(this.state, node);
  }

  override toString(): string {
    return `${this.constructor.name}(${this.state.name}, shape=[${this.shape.join(", ")}], dtype=${this.dtype})`;
  }
}

/**
 * Something to learn.
 *
 * @example
 * class Scale extends Module {
 *   factor = new Parameter(full([1], 3));
 *   override forward(x: Tensor): Tensor {
 *     return x.mul(this.factor);
 *   }
 * }
 * new Scale()(tensor([1, 2])); // [3, 6]
 */
export class Parameter extends StateTensor {
  constructor(initial: Tensor, name = "parameter") {
    super(initial, name, true);
  }

  /** Whether `backward()` computes its gradient. Turn off to freeze it. */
  get requiresGrad(): boolean {
    return this.state.requiresGrad;
  }
  set requiresGrad(value: boolean) {
    this.state.requiresGrad = value;
  }

  /** Inside compile(), after `backward()`: the gradient so far. May be replaced, to clip it say. */
  get grad(): Tensor | undefined {
    const node = runtime.trace?.gradients.get(this.state);
    return node && new Tensor(node);
  }
  set grad(value: Tensor | undefined) {
    const gradients = runtime.trace?.gradients;
    if (value) gradients?.set(this.state, value.node);
    else gradients?.delete(this.state);
  }
}

/** Something to keep and save, but not to learn: running statistics, say. */
export class Buffer extends StateTensor {
  constructor(initial: Tensor, name = "buffer") {
    super(initial, name, false);
  }
}
