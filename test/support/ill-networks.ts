// What trainings go wrong with, on purpose: layers that make values or gradients that are no numbers from a
// step on, and a small network and data to put them into.

import { cat } from "../../src/combine.js";
import { DataLoader, type Dataset } from "../../src/data/index.js";
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  Linear,
  MaxPool2d,
  Module,
  type Network,
  ReLU,
  Sequential,
} from "../../src/nn/index.js";
import { bound } from "../../src/ops/leaf.js";
import { Tensor } from "../../src/tensor.js";

/** 4×4 pixels; the class says which half is bright. */
export const data: Dataset = (() => {
  const count = 24;
  const labels = Uint8Array.from({ length: count }, (_, i) => (i >> 1) % 2);
  const bright = (i: number) => (labels[i >> 4] === ((i >> 3) & 1) ? 200 : 40) + ((i * 37) % 40);
  return {
    images: Uint8Array.from({ length: 16 * count }, (_, i) => bright(i)),
    labels,
    count,
    height: 4,
    width: 4,
    channels: 1,
    classNames: ["top", "bottom"],
    source: "made here",
  };
})();

/** A number that a step reads when it begins: `sound`, and from the poisoned step on `ill`. */
export class Drip {
  #steps = 0;
  constructor(
    readonly from: number,
    readonly sound: number,
    readonly ill: number,
    readonly until = Number.POSITIVE_INFINITY,
  ) {}

  value(): Tensor {
    const read = () => {
      const step = ++this.#steps;
      return Float32Array.of(step >= this.from && step < this.until ? this.ill : this.sound);
    };
    return new Tensor(bound([], "f32", { kind: "dynamic", read }));
  }
}

/** Adds 0, and from a step on what is no number. */
export class Poison extends Module {
  constructor(readonly drip: Drip) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return x.add(this.drip.value());
  }
}

/** √(c + x − x) − √c: nothing on the way there, and on the way back 1/(2√c), infinite from a step on. */
export const steep = (x: Tensor, drip: Drip) => {
  const c = drip.value();
  return x.sub(x.detach()).add(c).sqrt().sub(c.sqrt());
};

export class Steep extends Module {
  constructor(readonly drip: Drip) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return x.add(steep(x, this.drip));
  }
}

/** The step at which all goes wrong: the second of the second epoch. */
export const step = 5;
export const illFrom = (ill = Number.NaN) => new Drip(step, 0, ill);
export const steepFrom = () => new Drip(step, 1, 0);

/** The layers, with another one put in before that of a number. */
export function network(at?: number, layer?: Module): Network {
  const layers: Module[] = [
    new Conv2d(1, 3, 3, { padding: 1 }),
    new BatchNorm2d(3),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Dropout(0.2),
    new Linear(12, 5),
    new ReLU(),
    new Linear(5, 2),
  ];
  if (at !== undefined) layers.splice(at, 0, layer!);
  return new Sequential(...layers);
}

/** Two ways that meet again, one of them with a layer of its own. */
export class Fork extends Module {
  left = new Conv2d(3, 2, 1);
  middle: Module;
  right = new Conv2d(3, 1, 1);
  constructor(middle: Module) {
    super();
    this.middle = middle;
  }
  override forward(x: Tensor): Tensor {
    return cat([this.left(x), this.middle(x), this.right(x)], 1).slice(null, [0, 3]);
  }
}

export const loader = () => new DataLoader(data, { batchSize: 8, shuffle: true });
