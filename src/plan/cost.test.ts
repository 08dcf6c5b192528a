// Work that is counted from sizes.

import { describe, expect, it } from "vitest";
import type { ConvAlgorithm, ConvGeometry, KernelCall, Operand } from "../backends/kernels.js";
import { flopsDone, flopsOf, productMacs } from "./cost.js";

/** AlexNet's fourth convolution, or one like it. */
const geometry = (change: Partial<ConvGeometry> = {}): ConvGeometry => ({
  batch: 2,
  inChannels: 384,
  outChannels: 256,
  groups: 1,
  inSize: [12, 12],
  outSize: [12, 12],
  kernelSize: [3, 3],
  stride: [1, 1],
  padding: [1, 1],
  dilation: [1, 1],
  ...change,
});
const operand: Operand = { buffer: 0, dtype: "f32", offset: 0, strides: [1, 1, 1, 1] };

describe("productMacs", () => {
  it("counts what a direct convolution multiplies", () => {
    expect(productMacs(geometry(), "direct")).toBe(2 * 256 * 12 * 12 * 384 * 9);
    expect(productMacs(geometry({ groups: 2 }), "direct")).toBe(256 * 12 * 12 * 384 * 9);
  });

  it("is less by m²r²/α² with Winograd's algorithms, where tiles fit exactly", () => {
    const saved = (algorithm: ConvAlgorithm, change: Partial<ConvGeometry> = {}) =>
      productMacs(geometry(change), "direct") / productMacs(geometry(change), algorithm);
    // F(4×4, 3×3): 36 products for 16 results of 9 each; F(6×6, 3×3): 64 for 36
    expect(saved("winograd6")).toBe((16 * 9) / 36);
    expect(saved("winograd8")).toBe((36 * 9) / 64);
    expect(saved("winograd6", { groups: 2 })).toBe((16 * 9) / 36);
    // F(2×2, 5×5) and F(4×4, 5×5)
    const five = { kernelSize: [5, 5], padding: [2, 2] } as const;
    expect(saved("winograd6", five)).toBe((4 * 25) / 36);
    expect(saved("winograd8", five)).toBe((16 * 25) / 64);
  });

  it("counts whole tiles where they hang over the edge", () => {
    // 13 results a side are four tiles of 4, of which the last has one
    const one = { batch: 1, inChannels: 1, outChannels: 1, outSize: [13, 13] } as const;
    expect(productMacs(geometry(one), "winograd6")).toBe(4 * 4 * 36);
  });
});

describe("flopsDone", () => {
  const conv = (algorithm: ConvAlgorithm, change?: Partial<ConvGeometry>): KernelCall => ({
    kernel: "conv2d",
    geometry: geometry(change),
    algorithm,
    x: operand,
    w: operand,
    y: operand,
    activation: "none",
  });

  it("differs from the direct convolution's work only with an algorithm that saves some", () => {
    expect(flopsDone(conv("direct"))).toBe(flopsOf(conv("direct")));
    expect(flopsOf(conv("winograd6"))).toBe(flopsOf(conv("direct")));
    expect(flopsDone(conv("winograd6"))).toBe(flopsOf(conv("direct")) / 4);
  });

  it("counts the tiles of what comes out, which for the input's gradient is the input", () => {
    const valid = geometry({ padding: [0, 0], outSize: [10, 10] });
    const given = { geometry: valid, algorithm: "winograd6", w: operand } as const;
    const input: KernelCall = { kernel: "conv2dGradInput", ...given, gy: operand, gx: operand };
    const weight: KernelCall = {
      kernel: "conv2dGradWeight",
      geometry: valid,
      algorithm: "winograd8",
      x: operand,
      gy: operand,
      gw: operand,
    };
    const perTile = 2 * valid.batch * 384 * 256;
    expect(flopsDone(input)).toBe(perTile * 36 * 3 * 3);
    expect(flopsDone(weight)).toBe(perTile * 64 * 2 * 2);
  });

  it("is the work itself for any other kernel", () => {
    const call: KernelCall = {
      kernel: "matmul",
      batch: 1,
      m: 2,
      n: 3,
      k: 4,
      a: operand,
      b: operand,
      c: operand,
      activation: "none",
    };
    expect(flopsDone(call)).toBe(48);
  });
});
