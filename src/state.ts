// Lasting memory: parameters, momentum, running statistics. Only a compiled function changes it while
// it trains; `set` (loading weights) replaces it as a whole. Every change raises the version, by which
// lazy tensors notice that they are stale.

import type { Backend, DeviceBuffer } from "./backends/backend.js";
import type { DType } from "./graph/dtype.js";
import type { Node, StateLike } from "./graph/node.js";
import type { Shape } from "./graph/shape.js";
import { bound } from "./ops/leaf.js";

/** Where a state's values are: still to be computed, or in the memory of a backend. */
export type Place =
  | { readonly kind: "initial"; readonly node: Node }
  | { readonly kind: "device"; readonly backend: Backend; readonly buffer: DeviceBuffer };

export class State implements StateLike {
  readonly shape: Shape;
  readonly dtype: DType;
  version = 0;
  place: Place;
  /** Values that were set and are being computed, or could not be. */
  arriving: Promise<unknown> | undefined;
  #leaf: { readonly version: number; readonly node: Node } | undefined;

  /** `initial`: the values to begin with; computed when they are first needed. */
  constructor(
    public name: string,
    initial: Node,
    public requiresGrad: boolean,
  ) {
    this.shape = initial.shape;
    this.dtype = initial.dtype;
    this.place = { kind: "initial", node: initial };
  }

  /** The present values as a node: the same one until they change, so that gradients find it. */
  get leaf(): Node {
    if (this.#leaf?.version !== this.version) {
      const { shape, dtype, version } = this;
      this.#leaf = { version, node: bound(shape, dtype, { kind: "state", state: this, version }) };
    }
    return this.#leaf.node;
  }

  /** Replaces all values with some that depend on no state; `runtime.store` takes any. */
  set(values: Node): void {
    this.place = { kind: "initial", node: values };
    this.arriving = undefined;
    this.version++;
  }
}
