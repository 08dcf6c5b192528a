import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential } from "../nn/index.js";
import type { ModelOptions } from "./registry.js";

/** AlexNet (Krizhevsky et al. 2012) as d2l writes it for Fashion-MNIST: 1×224×224 → 10. */
export function alexnet(options: ModelOptions = {}): Sequential {
  const { inChannels = 1, numClasses = 10, dropout = 0.5 } = options;
  // biome-ignore format: reads like the table it is
  return new Sequential(
    new Conv2d(inChannels, 96, 11, { stride: 4, padding: 1 }), new ReLU(), //  96×54×54
    new MaxPool2d(3, { stride: 2 }), //                                        96×26×26
    new Conv2d(96, 256, 5, { padding: 2 }), new ReLU(), //                    256×26×26
    new MaxPool2d(3, { stride: 2 }), //                                       256×12×12
    new Conv2d(256, 384, 3, { padding: 1 }), new ReLU(), //                   384×12×12
    new Conv2d(384, 384, 3, { padding: 1 }), new ReLU(), //                   384×12×12
    new Conv2d(384, 256, 3, { padding: 1 }), new ReLU(), //                   256×12×12
    new MaxPool2d(3, { stride: 2 }), //                                       256×5×5
    new Flatten(), //                                                         6400
    new Linear(6400, 4096), new ReLU(), new Dropout(dropout),
    new Linear(4096, 4096), new ReLU(), new Dropout(dropout),
    new Linear(4096, numClasses),
  );
}
