// A network as graphs: recorded in evaluation mode for two sizes of the batch. What is the same in both
// does not depend on the batch; what is not, is told from the two. Nothing is computed.

import type { TypedArray } from "../../graph/dtype.js";
import type { Node } from "../../graph/node.js";
import type { Origins } from "../../graph/origins.js";
import { type Shape, sameShape } from "../../graph/shape.js";
import { logitsOf, type Network } from "../../nn/outputs.js";
import { bindingOf, bound } from "../../ops/leaf.js";
import { runtime } from "../../runtime.js";
import { Tensor } from "../../tensor.js";
import { Trace } from "../../trace.js";
import { OnnxError } from "./expression.js";

/** Unlike the numbers of channels and pixels that networks have. */
const usualBatches: readonly [number, number] = [97, 101];

export interface Recording {
  readonly batch: number;
  readonly input: Node;
  readonly output: Node;
  readonly origins: Origins;
}

/**
 * Two recordings of a network in evaluation mode, for images [c, h, w] (or whatever it takes); with a
 * given batch, one recording twice. Modes are restored, and no parameter, buffer or random state changes.
 */
export function recordTwice(
  net: Network,
  image: Shape,
  batch: number | undefined,
): readonly [Recording, Recording] {
  const modules = [...net.modules()];
  const modes = modules.map((module) => module.training);
  net.eval();
  try {
    if (batch === undefined) {
      const [first, second] = usualBatches;
      return [record(net, image, first), record(net, image, second)];
    }
    const only = record(net, image, batch);
    return [only, only];
  } finally {
    // from the outside in: each sets all that is below it
    for (const [i, module] of modules.entries()) module.train(modes[i]!);
  }
}

function record(net: Network, image: Shape, batch: number): Recording {
  const outside = runtime.trace;
  // a recording of our own: what modules draw or update stays in it
  const trace = new Trace(() => Int32Array.of(0, 0));
  runtime.trace = trace;
  try {
    const input = bound([batch, ...image], "f32", { kind: "argument", position: 0 });
    const { node: output } = logitsOf(net(new Tensor(input)));
    return { batch, input, output, origins: trace.origins };
  } finally {
    runtime.trace = outside;
  }
}

/** Which node of the second recording stands where one of the first does. */
export class Twins {
  readonly #of = new Map<Node, Node>();

  of(node: Node): Node {
    return this.#of.get(node)!;
  }

  /** Notes that two nodes stand for the same, and what they are made of, too. */
  pair(first: Node, second: Node): void {
    const waiting: [Node, Node][] = [[first, second]];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [a, b] = next;
      if (this.#of.get(a) === b) continue;
      if (this.#of.has(a) || !alike(a, b)) throw differing(a.op.name, "");
      this.#of.set(a, b);
      for (const [i, x] of a.inputs.entries()) waiting.push([x, b.inputs[i]!]);
    }
  }
}

/** An error for what depends on the size of the batch in a way that the file could not say. */
export const differing = (op: string, layer: string): OnnxError =>
  new OnnxError(
    op,
    layer,
    "depends on the number of images in a way that one file cannot say for all; export it for one number: pass batch: 1",
  );

function alike(a: Node, b: Node): boolean {
  if (a === b) return true;
  if (a.op !== b.op || a.inputs.length !== b.inputs.length || a.dtype !== b.dtype) return false;
  const [first, second] = [bindingOf(a), bindingOf(b)];
  switch (first?.kind) {
    case "state":
      return second?.kind === "state" && first.state === second.state;
    case "device":
      return second?.kind === "device" && first.buffer === second.buffer;
    case "host":
      return second?.kind === "host" && sameShape(a.shape, b.shape) && sameValues(first, second);
    default:
      return first?.kind === second?.kind;
  }
}

const sameValues = (a: { readonly data: TypedArray }, b: { readonly data: TypedArray }) =>
  a.data.every((value, i) => Object.is(value, b.data[i]));
