// Convolutions, pools and products in ONNX, from the kernel calls that they would be in a plan.

import type { AvgPool2dCall, MatmulCall, Operand, PoolGeometry } from "../../backends/kernels.js";
import { kernelCall } from "../../graph/kernel-call.js";
import type { Node } from "../../graph/node.js";
import { broadcastShapes, rowMajor, sameShape } from "../../graph/shape.js";
import { type Attributes, type Expression, list, onnx, scalar } from "./expression.js";
import { unrepeated } from "./views.js";

type Pair = readonly [number, number];

/** The node as an expression; undefined if it is no kernel, or one without a row. */
export function kernel(node: Node): Expression | undefined {
  const call = kernelCall(node);
  switch (call?.kernel) {
    case "conv2d": {
      const { kernelSize, stride, padding, dilation, groups } = call.geometry;
      return onnx("Conv", node.inputs, {
        kernel_shape: kernelSize,
        strides: stride,
        pads: [...padding, ...padding],
        dilations: dilation,
        group: groups,
      });
    }
    case "maxPool2d":
      return maxPool(node.inputs[0]!, call.geometry);
    case "avgPool2d":
      return avgPool(node.inputs[0]!, call);
    case "matmul":
      return matmul(node, call);
    default:
      return undefined;
  }
}

// ---------------------------------------------------------------- pools

/**
 * How far the last windows reach over the far edge of the image and its padding: only in ceil mode. ONNX's
 * own ceil mode is not used, since runtimes have counted its windows differently.
 */
function overhang({ inSize, outSize, kernelSize, stride, padding, dilation }: PoolGeometry): Pair {
  const along = (d: 0 | 1) => {
    const reach = (outSize[d] - 1) * stride[d] + dilation[d] * (kernelSize[d] - 1) + 1;
    return Math.max(0, reach - (inSize[d] + 2 * padding[d]));
  };
  return [along(0), along(1)];
}

const sumOf = (a: Pair, b: Pair): Pair => [a[0] + b[0], a[1] + b[1]];

/** [n, c, h, w] with `value` around it. */
const padded = (x: Expression, [top, left]: Pair, [bottom, right]: Pair, value: number) =>
  onnx("Pad", [x, list([0, 0, top, left, 0, 0, bottom, right]), scalar(value, "FLOAT")]);

function windows({ kernelSize, stride }: PoolGeometry, before: Pair, after: Pair): Attributes {
  return { kernel_shape: kernelSize, strides: stride, pads: [...before, ...after] };
}

function maxPool(x: Expression, geometry: PoolGeometry): Expression {
  const { padding, dilation, kernelSize } = geometry;
  const after = sumOf(padding, overhang(geometry));
  const dilations = { dilations: dilation };
  // runtimes take no padding as wide as the window
  if (after.every((n, d) => n < kernelSize[d]!))
    return onnx("MaxPool", [x], { ...windows(geometry, padding, after), ...dilations });
  const edged = padded(x, padding, after, Number.NEGATIVE_INFINITY);
  return onnx("MaxPool", [edged], { ...windows(geometry, [0, 0], [0, 0]), ...dilations });
}

function avgPool(x: Expression, { geometry, countPadding }: AvgPool2dCall): Expression {
  const { padding } = geometry;
  const over = overhang(geometry);
  const counted = countPadding && padding.some((n) => n > 0);
  if (counted && over.every((n) => n === 0)) {
    return onnx("AveragePool", [x], {
      ...windows(geometry, padding, padding),
      count_include_pad: 1,
    });
  }
  // what hangs over is never counted, so that padding that is must be there before
  const source = counted ? padded(x, padding, padding, 0) : x;
  const before: Pair = counted ? [0, 0] : padding;
  const after = counted ? over : sumOf(padding, over);
  return onnx("AveragePool", [source], windows(geometry, before, after));
}

// ---------------------------------------------------------------- products

/** Matrices with a bias or without: Gemm; stacks of matrices: MatMul, which repeats by itself. */
function matmul(node: Node, { m, n, k, a, b, bias }: MatmulCall): Expression {
  const [x, y] = node.inputs as [Node, Node];
  if (node.shape.length === 2) {
    return onnx("Gemm", bias ? node.inputs : [x, y], {
      transA: Number(!reads(x, a, [m, k])),
      transB: Number(!reads(y, b, [k, n])),
    });
  }
  const [p, q] = [unrepeated(x), unrepeated(y)];
  const front = broadcastShapes("onnx", p.shape.slice(0, -2), q.shape.slice(0, -2));
  return onnx("MatMul", [sameShape(front, node.shape.slice(0, -2)) ? p : x, q]);
}

/** Whether an operand reads a matrix as it is, not transposed. */
function reads(x: Node, operand: Operand, shape: Pair): boolean {
  const along = operand.strides.slice(-2);
  const own = rowMajor(x.shape);
  return sameShape(x.shape, shape) && shape.every((n, d) => n === 1 || along[d] === own[d]);
}
