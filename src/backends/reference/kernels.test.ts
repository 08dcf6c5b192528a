// The reference kernels against PyTorch's float64 results (test/golden/kernels.py) and against
// values that can be checked by hand. Layouts and odd cases are the conformance suite's.

import { describe, expect, it } from "vitest";
import { dense, runCall, runOracle } from "../../../test/conformance/run.js";
import golden from "../../../test/golden/kernels.golden.json" with { type: "json" };
import type { TypedArray } from "../../graph/dtype.js";
import { threefry2x32, uniform } from "../../graph/threefry.js";
import type { ConvGeometry, KernelCall, Operand, PoolGeometry } from "../kernels.js";
import { erf, pow, toI32 } from "./functions.js";
import { openReference } from "./index.js";
import { pointCount } from "./walk.js";

/** Element i is ((7919·i + 104729·phase) mod 101 − 50) / 50, as in kernels.py. */
function formula(shape: readonly number[], phase: number, scale = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: pointCount(shape) },
    (_, i) => (scale * (((7919 * i + 104729 * phase) % 101) - 50)) / 50,
  );
}

/** Float32 inputs differ from PyTorch's doubles by 2^-25 relatively: sums of up to 100 such terms. */
function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance = 4e-6) {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value), `element ${i}`).toBeLessThanOrEqual(tolerance);
  });
}

/** Builds a call from its tensors, and gives its last buffer in both precisions. */
async function lastOf(
  tensors: readonly (readonly [data: TypedArray, shape: readonly number[]])[],
  build: (operands: Operand[]) => KernelCall,
): Promise<ArrayLike<number>[]> {
  const buffers = tensors.map(([data]) => data);
  const call = build(tensors.map(([data, shape], at) => dense(at, data, shape)));
  const single = await runCall(openReference(), { call, buffers });
  const double = await runOracle({ call, buffers });
  return [single.at(-1)!, double.at(-1)!];
}

const empty = (shape: readonly number[]) => new Float32Array(pointCount(shape));

describe.each(golden.conv)("conv2d, kernel $geometry.kernelSize, groups $geometry.groups", (c) => {
  const geometry = c.geometry as unknown as ConvGeometry;
  const xShape = [geometry.batch, geometry.inChannels, ...geometry.inSize];
  const wShape = [
    geometry.outChannels,
    geometry.inChannels / geometry.groups,
    ...geometry.kernelSize,
  ];
  const yShape = [geometry.batch, geometry.outChannels, ...geometry.outSize];
  const x = [formula(xShape, 1), xShape] as const;
  const w = [formula(wShape, 2), wShape] as const;
  const bias = [formula([geometry.outChannels], 3), [geometry.outChannels]] as const;
  const gy = [formula(yShape, 4), yShape] as const;

  it("equals PyTorch's, with and without ReLU", async () => {
    for (const activation of ["none", "relu"] as const) {
      const results = await lastOf([x, w, bias, [empty(yShape), yShape]], (o) => ({
        kernel: "conv2d",
        geometry,
        algorithm: "direct",
        x: o[0]!,
        w: o[1]!,
        bias: o[2]!,
        y: o[3]!,
        activation,
      }));
      const expected = activation === "relu" ? c.y.map((y) => Math.max(y, 0)) : c.y;
      for (const y of results) expectClose(y, expected);
    }
  });

  it("has PyTorch's gradients", async () => {
    const gx = await lastOf([gy, w, [empty(xShape), xShape]], (o) => ({
      kernel: "conv2dGradInput",
      geometry,
      algorithm: "direct",
      gy: o[0]!,
      w: o[1]!,
      gx: o[2]!,
    }));
    const gw = await lastOf([x, gy, [empty(wShape), wShape]], (o) => ({
      kernel: "conv2dGradWeight",
      geometry,
      algorithm: "direct",
      x: o[0]!,
      gy: o[1]!,
      gw: o[2]!,
    }));
    for (const result of gx) expectClose(result, c.gx);
    for (const result of gw) expectClose(result, c.gw);
  });
});

function poolShapes({ batch, channels, inSize, outSize }: PoolGeometry) {
  return { xShape: [batch, channels, ...inSize], yShape: [batch, channels, ...outSize] };
}

it.each(golden.maxPool)("maxPool2d equals PyTorch's, output $geometry.outSize", async (c) => {
  const geometry = c.geometry as unknown as PoolGeometry;
  const { xShape, yShape } = poolShapes(geometry);
  const index = Uint8Array.from(c.index);
  for (const stored of [new Uint8Array(index.length), new Int32Array(index.length)]) {
    const results = await lastOf(
      [
        [formula(xShape, 1), xShape],
        [empty(yShape), yShape],
        [stored, yShape],
      ],
      (o) => ({ kernel: "maxPool2d", geometry, x: o[0]!, y: o[1]!, index: o[2]! }),
    );
    for (const result of results) expect([...(result as TypedArray)]).toEqual(c.index);
  }
  const y = await lastOf(
    [
      [formula(xShape, 1), xShape],
      [empty(yShape), yShape],
    ],
    (o) => ({ kernel: "maxPool2d", geometry, x: o[0]!, y: o[1]! }),
  );
  const gx = await lastOf(
    [
      [formula(yShape, 4), yShape],
      [index, yShape],
      [empty(xShape), xShape],
    ],
    (o) => ({ kernel: "maxPool2dGrad", geometry, gy: o[0]!, index: o[1]!, gx: o[2]! }),
  );
  for (const result of y) expectClose(result, c.y);
  for (const result of gx) expectClose(result, c.gx);
});

it.each(golden.avgPool)("avgPool2d equals PyTorch's, countPadding $countPadding", async (c) => {
  const geometry = c.geometry as unknown as PoolGeometry;
  const { countPadding } = c;
  const { xShape, yShape } = poolShapes(geometry);
  const y = await lastOf(
    [
      [formula(xShape, 1), xShape],
      [empty(yShape), yShape],
    ],
    (o) => ({ kernel: "avgPool2d", geometry, countPadding, x: o[0]!, y: o[1]! }),
  );
  const gx = await lastOf(
    [
      [formula(yShape, 4), yShape],
      [empty(xShape), xShape],
    ],
    (o) => ({ kernel: "avgPool2dGrad", geometry, countPadding, gy: o[0]!, gx: o[1]! }),
  );
  for (const result of y) expectClose(result, c.y);
  for (const result of gx) expectClose(result, c.gx);
});

it.each(golden.crossEntropy)("crossEntropy equals PyTorch's, logits ± $scale", async (c) => {
  const { rows, classes, scale } = c;
  const logits = [formula([rows, classes], 1, scale), [rows, classes]] as const;
  const target = [Int32Array.from({ length: rows }, (_, r) => (r * 3) % classes), [rows]] as const;
  const loss = await lastOf([logits, target, [empty([rows]), [rows]]], (o) => ({
    kernel: "crossEntropy",
    rows,
    classes,
    logits: o[0]!,
    target: o[1]!,
    loss: o[2]!,
  }));
  const glogits = await lastOf(
    [logits, target, [formula([rows], 4), [rows]], [empty([rows, classes]), [rows, classes]]],
    (o) => ({
      kernel: "crossEntropyGrad",
      rows,
      classes,
      logits: o[0]!,
      target: o[1]!,
      g: o[2]!,
      glogits: o[3]!,
    }),
  );
  // A float32 logit is off by 2^-25 of its size.
  for (const result of loss) expectClose(result, c.loss, scale * 4e-7);
  for (const result of glogits) expectClose(result, c.glogits, scale * 4e-7);
});

describe("matmul", () => {
  it("multiplies, adds the bias and clamps", async () => {
    const results = await lastOf(
      [
        [Float32Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3]],
        [Float32Array.of(1, 0, 0, 1, -1, -1), [1, 3, 2]],
        [Float32Array.of(1, 10), [2]],
        [empty([1, 2, 2]), [1, 2, 2]],
      ],
      ([a, b, bias, c]) => ({
        kernel: "matmul",
        batch: 1,
        m: 2,
        n: 2,
        k: 3,
        a: a!,
        b: b!,
        bias: bias!,
        c: c!,
        activation: "relu",
      }),
    );
    // [1−3+1, 2−3+10], [4−6+1 → 0, 5−6+10]
    for (const c of results) expectClose(c, [0, 9, 0, 9], 0);
  });
});

describe("reduce", () => {
  const shape = [2, 3];
  const data = Float32Array.of(1, 5, 5, NaN, 2, NaN);
  async function reduced(op: "sum" | "max" | "argmax", axes: boolean[], values: TypedArray) {
    const kept = shape.map((size, d) => (axes[d] ? 1 : size));
    const count = pointCount(kept);
    const wantsI32 = op === "argmax" || values instanceof Int32Array;
    const to = wantsI32 ? new Int32Array(count) : new Float32Array(count);
    const results = await lastOf(
      [
        [values, shape],
        [to, kept],
      ],
      ([from, result]) => ({
        kernel: "reduce",
        op,
        shape,
        reduced: axes,
        sources: [{ kind: "memory", operand: from! }],
        instructions: [],
        register: 0,
        result: { ...result!, strides: result!.strides.map((s, d) => (axes[d] ? 0 : s)) },
      }),
    );
    expect([...(results[0] as TypedArray)]).toEqual([...(results[1] as TypedArray)]);
    return [...(results[0] as TypedArray)];
  }

  it("sums, and takes the first maximum or the first NaN", async () => {
    expect(await reduced("sum", [false, true], data)).toEqual([11, NaN]);
    expect(await reduced("max", [false, true], data)).toEqual([5, NaN]);
    expect(await reduced("argmax", [false, true], data)).toEqual([1, 0]);
    expect(await reduced("argmax", [true, true], data)).toEqual([3]);
    expect(await reduced("argmax", [true, false], data)).toEqual([1, 0, 1]);
  });

  it("wraps i32 sums", async () => {
    const big = Int32Array.of(2 ** 31 - 1, 1, 0, -5, 5, 7);
    expect(await reduced("sum", [false, true], big)).toEqual([-(2 ** 31), 7]);
    expect(await reduced("max", [true, false], big)).toEqual([2 ** 31 - 1, 5, 7]);
  });
});

describe("scalar functions", () => {
  it("erf is accurate to a few units of a double", () => {
    for (const [x, expected] of golden.erf as [number, number][]) {
      expect(Math.abs(erf(x) - expected)).toBeLessThanOrEqual(Math.abs(expected) * 2 ** -50);
    }
    expect(erf(0)).toBe(0);
    expect(erf(NaN)).toBeNaN();
    expect(erf(Number.NEGATIVE_INFINITY)).toBe(-1);
  });

  it("pow follows IEEE 754 where JavaScript does not", () => {
    expect([pow(1, NaN), pow(-1, Number.POSITIVE_INFINITY), pow(2, 10), pow(-8, 1 / 3)]).toEqual([
      1,
      1,
      1024,
      NaN,
    ]);
  });

  it("toI32 truncates and saturates", () => {
    expect([NaN, -1.9, 1.9, 3e9, -3e9].map(toI32)).toEqual([0, -1, 1, 2 ** 31 - 1, -(2 ** 31)]);
  });

  it("Threefry-2x32-20 gives the published answers", () => {
    expect(threefry2x32(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
    expect(threefry2x32(-1, -1, -1, -1)).toEqual([0x1cb996fc, 0xbb002be7]);
    expect(threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual([
      0xc4923a9c, 0x483df7a0,
    ]);
    expect(uniform(0, 0, 0, 0)).toBe(0x6b2001 * 2 ** -24);
  });
});
