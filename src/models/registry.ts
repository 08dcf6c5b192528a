// Every network that Fovea knows by name, with the input and the training settings of its document.

import type { Module } from "../nn/index.js";
import { alexnet } from "./alexnet.js";
import { lenet } from "./lenet.js";

export interface ModelOptions {
  readonly inChannels?: number;
  readonly numClasses?: number;
  /** Probability of dropout layers, where the network has any. */
  readonly dropout?: number;
}

export interface ModelSpec {
  readonly build: (options?: ModelOptions) => Module;
  /** Channels, height, width. */
  readonly input: readonly [channels: number, height: number, width: number];
  /** What the source document trains it with. */
  readonly training: {
    readonly batchSize: number;
    readonly epochs: number;
    readonly lr: number;
    readonly init: "default" | "xavier";
  };
}

export const models: Readonly<Record<string, ModelSpec>> = {
  lenet: {
    build: lenet,
    input: [1, 28, 28],
    training: { batchSize: 256, epochs: 10, lr: 0.9, init: "xavier" },
  },
  alexnet: {
    build: alexnet,
    input: [1, 224, 224],
    training: { batchSize: 128, epochs: 10, lr: 0.01, init: "xavier" },
  },
};
