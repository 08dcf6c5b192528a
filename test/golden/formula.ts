// What networks.py computes too: weights from a formula, the first images of the shipped subset, and
// which entries of a parameter are compared.

import { loadFashionMnistSubset } from "../../src/data/fashion-mnist.js";
import { makeResize } from "../../src/data/resize.js";
import { sizeOf } from "../../src/graph/shape.js";
import { nn, type Tensor, tensor } from "../../src/index.js";

/** Element i of parameter `number`: uniform in ±bound from two rounds of multiply and shift. */
function weights(count: number, number: number, bound: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let x = Math.imul(i + number * 1000003 + 1, 2654435761) >>> 0;
    x = Math.imul(x ^ (x >>> 15), 2246822519) >>> 0;
    values[i] = (2 * (x >>> 8) * 2 ** -24 - 1) * bound;
  }
  return values;
}

/**
 * Bounds of PyTorch's default, 1/√fan-in, for weights and biases; or of Xavier's for weights. Gives back
 * the values.
 */
export function fill(net: nn.Module, init: string): Map<string, Float32Array<ArrayBuffer>> {
  const named = [...net.namedParameters()];
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  let standard = 0;
  for (const [number, [name, { shape }]] of named.entries()) {
    const isWeight = shape.length > 1;
    if (isWeight) standard = 1 / Math.sqrt(sizeOf(shape.slice(1)));
    const { fanIn, fanOut } = isWeight ? nn.init.fans(shape) : { fanIn: 0, fanOut: 0 };
    const bound = isWeight && init === "xavier" ? Math.sqrt(6 / (fanIn + fanOut)) : standard;
    values.set(name, weights(sizeOf(shape), number, bound));
  }
  net.loadStateDict(named.map(([name, { shape }]) => [name, { shape, data: values.get(name)! }]));
  return values;
}

/** The same network with tanh for its activations and average for its max pools. */
export function smoothTwin(net: nn.Sequential): nn.Sequential {
  const layers = [...net].map((layer) =>
    layer instanceof nn.ReLU || layer instanceof nn.Sigmoid
      ? new nn.Tanh()
      : layer instanceof nn.MaxPool2d
        ? new nn.AvgPool2d(3, { stride: 2 })
        : layer,
  );
  return new nn.Sequential(...layers);
}

/** Images number·size … of the training set, [size, 1, side, side], pixels / 255; and labels. */
export async function batch(number: number, size: number, side: number): Promise<[Tensor, Tensor]> {
  const { train } = await loadFashionMnistSubset();
  const [from, to] = [number * size, (number + 1) * size];
  const small = train.images.slice(from * 784, to * 784);
  const pixels = side === 28 ? small : makeResize([28, 28], [side, side])(small, size);
  const x = Float32Array.from(pixels, (v) => v / 255);
  return [
    tensor(x, [size, 1, side, side]),
    tensor(Int32Array.from(train.labels.slice(from, to)), [size]),
  ];
}

/** The entries of a parameter that the golden file holds. */
export function sample(data: ArrayLike<number>, samples: number): number[] {
  const n = data.length;
  const at = (j: number) => (n <= samples ? j : Math.floor(((2 * j + 1) * n) / (2 * samples)));
  return Array.from({ length: Math.min(n, samples) }, (_, j) => data[at(j)]!);
}

/** A sample as the golden file holds it. */
export function decode(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
}

export const norm = (values: ArrayLike<number>): number =>
  Math.sqrt(
    Array.prototype.reduce.call(
      values,
      (sum, v) => (sum as number) + (v as number) ** 2,
      0,
    ) as number,
  );

/** ‖a − b‖ / ‖b‖ */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return norm(Array.from(b, (v, i) => a[i]! - v)) / norm(b);
}
