import { AvgPool2d, Conv2d, Flatten, Linear, Sequential, Sigmoid } from "../nn/index.js";
import type { ModelOptions } from "./registry.js";

/** LeNet-5 as d2l trains it (LeCun et al. 1998, with sigmoid and average pooling): 1×28×28 → 10. */
export function lenet({ inChannels = 1, numClasses = 10 }: ModelOptions = {}): Sequential {
  // biome-ignore format: reads like the table it is
  return new Sequential(
    new Conv2d(inChannels, 6, 5, { padding: 2 }), new Sigmoid(), //  6×28×28
    new AvgPool2d(2, { stride: 2 }), //                              6×14×14
    new Conv2d(6, 16, 5), new Sigmoid(), //                         16×10×10
    new AvgPool2d(2, { stride: 2 }), //                             16×5×5
    new Flatten(), //                                               400
    new Linear(400, 120), new Sigmoid(),
    new Linear(120, 84), new Sigmoid(),
    new Linear(84, numClasses),
  );
}
