import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** max(x, 0); NaN stays NaN. */
export class ReLU extends Module {
  override forward(x: Tensor): Tensor {
    return x.relu();
  }
}

/** 1 / (1 + e^−x) */
export class Sigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return x.sigmoid();
  }
}

/** (e^x − e^−x) / (e^x + e^−x) */
export class Tanh extends Module {
  override forward(x: Tensor): Tensor {
    return x.tanh();
  }
}
