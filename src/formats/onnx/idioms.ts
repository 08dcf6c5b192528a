// What Fovea composes of several ops and ONNX has an operator for. An idiom is found by a guess at what it
// was made from, and the guess is checked by making it again: the graphs must be the same, so that nothing
// else is ever taken for it. What is not recognised is exported as it was composed.

import { FoveaError } from "../../errors.js";
import type { Node } from "../../graph/node.js";
import * as F from "../../nn/functional.js";
import { expand } from "../../ops/broadcast.js";
import { constantValue } from "../../ops/elementwise.js";
import { constant } from "../../ops/leaf.js";
import { logSoftmax, softmax } from "../../ops/loss.js";
import { matmul } from "../../ops/matmul.js";
import { batchNorm, localResponseNorm, neighboursOf } from "../../ops/norm.js";
import { mean } from "../../ops/reduce.js";
import { Tensor } from "../../tensor.js";
import { type Expression, onnx } from "./expression.js";
import { unrepeated } from "./views.js";

type Idiom = (node: Node) => Expression | undefined;

/** The node as one operator; undefined if it is none of these idioms. */
export function idiom(node: Node): Expression | undefined {
  for (const each of idioms) {
    const found = each(node);
    if (found) return found;
  }
  return undefined;
}

/** Follows inputs: `at(node, 0, 1)` is the second input of the first. Repetitions are looked through. */
function at(node: Node | undefined, ...path: readonly number[]): Node | undefined {
  let x = node;
  for (const i of path) x = x && unrepeatedInput(x, i);
  return x;
}

const unrepeatedInput = (node: Node, i: number): Node | undefined => {
  const input = node.inputs[i];
  return input && unrepeated(input);
};

const numberAt = (node: Node, ...path: readonly number[]): number | undefined => {
  const x = at(node, ...path);
  return x && constantValue(x);
};

/** Whether `make` gives the same graph as the node. */
function madeBy(node: Node, make: () => Node): boolean {
  try {
    return same(node, make());
  } catch (error) {
    if (error instanceof FoveaError) return false; // of other shapes, a wrong guess
    throw error;
  }
}

function same(a: Node, b: Node): boolean {
  if (a === b) return true;
  if (a.op !== b.op || a.inputs.length !== b.inputs.length) return false;
  // leaves are told apart by identity, but for numbers
  if (a.inputs.length === 0 && constantValue(a) === undefined) return false;
  return attrsOf(a) === attrsOf(b) && a.inputs.every((x, i) => same(x, b.inputs[i]!));
}

/** As text; a product that was divided again may differ in its last digits. */
const attrsOf = (node: Node) =>
  JSON.stringify(node.attrs, (_, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(12) : value,
  );

const idioms: readonly Idiom[] = [
  // e / Σe with e = exp(x − max)
  (node) => {
    const x = at(node, 0, 0, 0);
    const axis = x?.shape.findIndex((_, d) => madeBy(node, () => softmax(x, d))) ?? -1;
    return axis < 0 ? undefined : onnx("Softmax", [x!], { axis });
  },
  // (x − max) − log Σ exp(x − max)
  (node) => {
    const x = at(node, 0, 0);
    const axis = x?.shape.findIndex((_, d) => madeBy(node, () => logSoftmax(x, d))) ?? -1;
    return axis < 0 ? undefined : onnx("LogSoftmax", [x!], { axis });
  },
  // x · exp(−beta · log(k + alpha/size · Σ x²)); ONNX's neighbourhood of an even size is another
  (node) => {
    const x = at(node, 0);
    const sums = at(node, 1, 0, 1, 0, 1, 1);
    const neighbours = sums && neighboursOf(sums);
    const [beta, k] = [numberAt(node, 1, 0, 0), numberAt(node, 1, 0, 1, 0, 0)];
    const share = numberAt(node, 1, 0, 1, 0, 1, 0);
    if (!x || !neighbours || beta === undefined || k === undefined || share === undefined)
      return undefined;
    const size = neighbours.before + neighbours.after + 1;
    const options = { alpha: share * size, beta: -beta, k };
    if (size % 2 === 0 || x.shape.length !== 4) return undefined;
    if (!madeBy(node, () => localResponseNorm(x, size, options))) return undefined;
    const { alpha } = options;
    return onnx("LRN", [x], {
      size,
      alpha: { float: alpha },
      beta: { float: -beta },
      bias: { float: k },
    });
  },
  // (x − mean) · (weight / √(var + eps)) + bias by given statistics
  (node) => {
    const x = at(node, 0, 0, 0);
    const [average, variance] = [vector(at(node, 0, 0, 1)), vector(at(node, 0, 1, 1, 1, 0, 0))];
    const eps = numberAt(node, 0, 1, 1, 1, 0, 1);
    if (!x || !average || !variance || eps === undefined || x.shape.length !== 4) return undefined;
    const [weight, bias] = [vector(at(node, 0, 1, 0)), vector(at(node, 1))];
    const statistics = { mean: average, variance };
    if (!madeBy(node, () => batchNorm(x, { weight, bias, statistics, eps }))) return undefined;
    const filled = (value: number) => expand(constant(value), average.shape);
    return onnx(
      "BatchNormalization",
      [x, weight ?? filled(1), bias ?? filled(0), average, variance],
      { epsilon: { float: eps } },
    );
  },
  // x where 0 < x, else slope · x
  (node) => {
    const [x, slope] = [at(node, 1), numberAt(node, 2, 1)];
    if (!x || slope === undefined) return undefined;
    if (!madeBy(node, () => F.leakyRelu(new Tensor(x), slope).node)) return undefined;
    return onnx("LeakyRelu", [x], { alpha: { float: slope } });
  },
  // Σ / count, with the dimensions kept or dropped
  (node) => {
    const sums = [at(node, 0), at(node, 0, 0)];
    for (const keepDim of [true, false]) {
      const sum = keepDim ? sums[0] : sums[1];
      if (sum?.op.lower.kind !== "reduce") continue;
      const [x, axes] = [sum.inputs[0]!, sum.op.lower.axes(sum)];
      if (!madeBy(node, () => mean(x, axes, keepDim))) continue;
      return x.shape.length === 4 && keepDim && axes.join() === "2,3"
        ? onnx("GlobalAveragePool", [x])
        : onnx("ReduceMean", [x], { axes, keepdims: Number(keepDim) });
    }
    return undefined;
  },
  // matrices and vectors as stacks of one
  (node) => {
    const product = at(node, 0);
    const [a, b] = [at(product, 0), at(product, 1)];
    if (!a || !b) return undefined;
    const sources = (x: Node) => [x, ...(x.inputs[0] ? [unrepeated(x.inputs[0])] : [])];
    for (const x of sources(a)) {
      for (const y of sources(b))
        if (madeBy(node, () => matmul(x, y))) return onnx("MatMul", [x, y]);
    }
    return undefined;
  },
];

/** [c], of which a node is the reshaping to [1, c, 1, 1]; undefined for a number. */
function vector(row: Node | undefined): Node | undefined {
  if (!row || constantValue(row) !== undefined) return undefined;
  return row.shape.length === 1 ? row : row.inputs[0];
}
