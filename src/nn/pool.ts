import type { PairLike } from "../ops/conv.js";
import type { PoolOptions } from "../ops/pool.js";
import type { Tensor } from "../tensor.js";
import * as F from "./functional.js";
import { Module } from "./module.js";

const show = (value: PairLike) =>
  typeof value === "number" ? String(value) : `(${value[0]}, ${value[1]})`;
const flag = (value: boolean) => (value ? "True" : "False");

/**
 * The largest value of each window, channel by channel: x [n, c, h, w] → [n, c, h', w'] with
 * h' = ⌊(h + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1 (rounded up with ceilMode).
 *
 * @example new MaxPool2d(3, { stride: 2 })
 */
export class MaxPool2d extends Module {
  constructor(
    readonly kernelSize: PairLike,
    private readonly options: PoolOptions & { readonly dilation?: PairLike } = {},
  ) {
    super();
  }

  override forward(x: Tensor): Tensor {
    return F.maxPool2d(x, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    const { stride = this.kernelSize, padding = 0, dilation = 1, ceilMode = false } = this.options;
    return `kernel_size=${show(this.kernelSize)}, stride=${show(stride)}, padding=${show(padding)}, dilation=${show(dilation)}, ceil_mode=${flag(ceilMode)}`;
  }
}

/**
 * The mean of each window, channel by channel: x [n, c, h, w] → [n, c, h', w']. Padding counts as
 * zeros unless countIncludePad is false.
 *
 * @example new AvgPool2d(2)
 */
export class AvgPool2d extends Module {
  constructor(
    readonly kernelSize: PairLike,
    private readonly options: PoolOptions & { readonly countIncludePad?: boolean } = {},
  ) {
    super();
  }

  override forward(x: Tensor): Tensor {
    return F.avgPool2d(x, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    const { stride = this.kernelSize, padding = 0 } = this.options;
    return `kernel_size=${show(this.kernelSize)}, stride=${show(stride)}, padding=${show(padding)}`;
  }
}
