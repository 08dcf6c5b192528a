import { ArgumentError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import * as F from "./functional.js";
import { Module } from "./module.js";

/**
 * In training mode, sets each element to 0 with probability p and divides the others by 1 − p; in
 * evaluation mode, nothing (Srivastava et al., JMLR 2014).
 */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super();
    if (!(p >= 0 && p <= 1))
      throw new ArgumentError("Dropout", `p must lie between 0 and 1, got ${p}`);
  }

  override forward(x: Tensor): Tensor {
    return F.dropout(x, this.p, this.training);
  }

  override extraRepr(): string {
    return `p=${this.p}, inplace=False`;
  }
}
