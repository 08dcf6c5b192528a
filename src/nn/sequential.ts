import { ArgumentError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/**
 * Modules one after the other, named "0", "1", …; `addModule` appends one under a name of its own.
 *
 * @example
 * const net = new Sequential(new Flatten(), new Linear(784, 10));
 * for (const layer of net) console.log(String(layer));
 */
export class Sequential extends Module {
  constructor(...modules: Module[]) {
    super();
    modules.forEach((module, i) => {
      this.addModule(String(i), module);
    });
  }

  override forward(x: Tensor): Tensor {
    let y = x;
    for (const module of this) y = module(y);
    return y;
  }

  /** The modules in order. */
  *[Symbol.iterator](): Generator<Module> {
    yield* this.children();
  }

  /** The i-th module, counted from the end if negative. */
  at(i: number): Module {
    const module = [...this].at(i);
    if (!module) throw new ArgumentError("Sequential.at", `there is no module ${i}`);
    return module;
  }
}
