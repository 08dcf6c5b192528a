// What a step does, read from the graph: a layer of whatever class that holds one convolution is a
// convolution, of the kernel size and stride that the graph says. Only what the graph does not tell
// (batch norm is a dozen nodes) goes by the module's class.

import { kernelCall } from "../../graph/kernel-call.js";
import { type Node, topological } from "../../graph/node.js";
import { rowMajor, type Shape, sameShape, sizeOf } from "../../graph/shape.js";
import { type AnyModule, Dropout } from "../../nn/index.js";
import { bindingOf } from "../../ops/leaf.js";
import type { Operation } from "./step.js";

/** What a module without children does; `inside` are its nodes that depend on its input. */
export function operationOfModule(
  module: AnyModule,
  inside: readonly Node[],
  from: Shape,
  to: Shape,
): Operation {
  const type = module.constructor.name;
  if (/^Adaptive(Avg|Max)Pool/.test(type)) return adaptivePool(type, to);
  const steps = inside.filter(isLayer);
  const [kernel] = steps.flatMap((node) => windowOrProduct(node) ?? []);
  const rest = inside.filter((node) => !steps.includes(node));
  if (kernel && steps.length === 1 && (isLearned(kernel) || isView(...rest))) return kernel;
  if (isView(...inside) && flattens(from, to)) return { kind: "flatten" };
  if (meansOfChannels(namesOf(inside), from, to))
    return { kind: "adaptivePool", which: "Avg", size: [1, 1] };
  return { kind: "other", label: className(module), light: sameShape(from, to) };
}

/** What a run of functions on one value does: `x.relu()`, `x.mean([2, 3])`, `x.flatten(1)`. */
export function operationOfFunctions(nodes: readonly Node[], from: Shape): Operation {
  const output = nodes.at(-1)!;
  if (isView(...nodes)) {
    return flattens(from, output.shape)
      ? { kind: "flatten" }
      : { kind: "other", label: capital(output.op.name), light: false };
  }
  const own = namesOf(nodes);
  if (meansOfChannels(own, from, output.shape))
    return { kind: "adaptivePool", which: "Avg", size: [1, 1] };
  if (own.includes("matmul") && from.length === 4 && output.shape.length === 4)
    return adaptivePool("Avg", output.shape);
  // what a composed function draws (dropout's mask) does not depend on the value itself
  const names = new Set(topological(nodes.flatMap((node) => node.inputs)).map((n) => n.op.name));
  return { kind: "other", label: composed(own, names), light: sameShape(from, output.shape) };
}

/** What an op of several values is called. */
export const joinLabel = (node: Node): string =>
  node.op.lower.kind === "assemble"
    ? "Concatenate"
    : ({ add: "Add", sub: "Subtract", mul: "Multiply", max: "Maximum" }[node.op.name] ??
      capital(node.op.name));

/** Whether a node is a window's or a product with learned weights: a layer by itself. */
export function isLayer(node: Node): boolean {
  const operation = windowOrProduct(node);
  return operation !== undefined && (operation.kind !== "linear" || isProduct(node));
}

/** Whether a node is a product with learned weights: a module with several is more than a layer. */
export const isProduct = (node: Node): boolean =>
  node.op.macs !== undefined && node.inputs.some(isLearnedWeight);

/** Made of parameters, and not of what the network is given. */
function isLearnedWeight(node: Node): boolean {
  const kinds = topological([node]).map((behind) => bindingOf(behind)?.kind);
  return kinds.includes("state") && !kinds.includes("argument");
}

const namesOf = (nodes: readonly Node[]) =>
  nodes.filter((node) => !isView(node)).map((node) => node.op.name);

const isLearned = ({ kind }: Operation) => kind === "conv" || kind === "linear";

const isView = (...nodes: readonly Node[]) => nodes.every(({ op }) => op.lower.kind === "view");

/** Whether a view changes nothing at all: the same shape over the same strides. */
export function isIdentity(node: Node): boolean {
  const { lower } = node.op;
  if (lower.kind !== "view") return false;
  const { shape } = node.inputs[0]!;
  const window = { shape, offset: 0, strides: rowMajor(shape) };
  const seen = lower.view(node, window);
  return seen !== undefined && JSON.stringify(seen) === JSON.stringify(window);
}

/** What the kernel call does that a node would become, if that is a window's or a matrix product. */
export function windowOrProduct(node: Node): Operation | undefined {
  const call = kernelCall(node);
  switch (call?.kernel) {
    case "conv2d": {
      const { outChannels, kernelSize, stride, padding, dilation, groups } = call.geometry;
      return { kind: "conv", channels: outChannels, kernelSize, stride, padding, dilation, groups };
    }
    case "maxPool2d":
    case "avgPool2d": {
      const which = call.kernel === "maxPool2d" ? "Max" : "Avg";
      const { kernelSize, stride, padding } = call.geometry;
      return { kind: "pool", which, kernelSize, stride, padding };
    }
    case "matmul":
      return { kind: "linear", features: call.n };
    default:
      return undefined;
  }
}

const adaptivePool = (type: string, to: Shape): Operation => ({
  kind: "adaptivePool",
  which: type.includes("Max") ? "Max" : "Avg",
  size: [to.at(-2)!, to.at(-1)!],
});

function className(module: AnyModule): string {
  if (module instanceof Dropout) return `Dropout ${module.p}`;
  const type = module.constructor.name.replace(/[123]d$/, "");
  return type === "LocalResponseNorm" ? "LRN" : type;
}

/** Names for what is composed of several ops, by those that give it away. */
function composed(own: readonly string[], names: ReadonlySet<string>): string {
  if (names.has("uniform")) return "Dropout";
  if (own.includes("neighbourSum")) return "LRN";
  if (own.includes("batchNorm")) return "BatchNorm";
  if (own.includes("erf")) return "GELU";
  if (own.includes("exp") && own.includes("sum"))
    return own.includes("log") ? "LogSoftmax" : "Softmax";
  if (own.includes("sum") && own.at(-1) === "div") return "Mean";
  const shown = [...new Set(own)].map((name) => (name === "relu" ? "ReLU" : capital(name)));
  return shown.length > 3 ? `${shown.slice(0, 3).join(", ")}, …` : shown.join(", ");
}

/** x [n, c, h, w] → [n, c] or [n, c, 1, 1] by a sum and a division. */
const meansOfChannels = (own: readonly string[], from: Shape, to: Shape) =>
  own.join() === "sum,div" && from.length === 4 && sizeOf(to) === from[0]! * from[1]!;

const flattens = (from: Shape, to: Shape) =>
  to.length === 2 && from.length > 2 && to[0] === from[0];

const capital = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);
