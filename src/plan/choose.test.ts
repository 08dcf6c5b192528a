// Which algorithm each convolution gets: by its shape and the length of vectors alone.

import { describe, expect, it } from "vitest";
import { planOf } from "../../test/programs.js";
import type { Traits } from "../backends/backend.js";
import type { ConvAlgorithm, KernelCall } from "../backends/kernels.js";
import { nn, zeros } from "../index.js";

const F = nn.functional;
const all: readonly ConvAlgorithm[] = ["direct", "winograd6", "winograd8"];
const machine = (lanes: number, convolutions = all): Traits => ({
  lanes,
  convolutions,
  apartBytes: 0,
});

interface Layer {
  readonly batch?: number;
  readonly channels: readonly [input: number, output: number];
  readonly side: number;
  readonly kernel: number;
  readonly options?: Parameters<typeof F.conv2d>[3];
}

/** The algorithms of a layer's three passes. */
function algorithms({ batch = 32, channels, side, kernel, options }: Layer, traits: Traits) {
  const [input, output] = channels;
  const padding = Math.floor(kernel / 2);
  const plan = planOf(() => {
    const x = new nn.Parameter(zeros([batch, input, side, side]), "x");
    const w = new nn.Parameter(
      zeros([output, input / (options?.groups ?? 1), kernel, kernel]),
      "w",
    );
    F.conv2d(x, w, undefined, { padding, ...options })
      .square()
      .sum()
      .backward();
    return [x.grad!, w.grad!];
  }, traits);
  const of = (kernel: KernelCall["kernel"]) =>
    plan.program.calls.flatMap((c) => (c.kernel === kernel && "algorithm" in c ? c.algorithm : []));
  return [...of("conv2d"), ...of("conv2dGradInput"), ...of("conv2dGradWeight")];
}

/** The algorithm of a layer whose gradients nobody asks for. */
function ofResult({ batch = 32, channels: [input, output], side, kernel }: Layer, traits: Traits) {
  const plan = planOf(() => {
    const [x, w] = [zeros([batch, input, side, side]), zeros([output, input, kernel, kernel])];
    return [F.conv2d(x, w, undefined, { padding: Math.floor(kernel / 2) })];
  }, traits);
  return plan.program.calls.flatMap((c) => ("algorithm" in c ? c.algorithm : []))[0];
}

const thrice = (algorithm: ConvAlgorithm) => [algorithm, algorithm, algorithm];

describe("convolutions are computed", () => {
  it.each([16, 8, 4])("by Winograd where there is much to multiply: %i lanes", (lanes) => {
    const traits = machine(lanes);
    // results of 3×3 by the tiles that round less, which are nearly as fast
    expect(algorithms({ channels: [384, 256], side: 12, kernel: 3 }, traits)).toEqual([
      "winograd6",
      "winograd8",
      "winograd8",
    ]);
    expect(algorithms({ channels: [96, 256], side: 26, kernel: 5 }, traits)).toEqual(
      thrice("winograd8"),
    );
    // 14 = 3·4 + 2 = 2·6 + 2: tiles of 8 would compute 18² of 14²
    expect(algorithms({ channels: [512, 512], side: 14, kernel: 3 }, traits)).toEqual(
      thrice("winograd6"),
    );
  });

  it("directly in training steps of few pixels, where one decision or one exact zero weighs much", () => {
    const deep = { channels: [256, 384], side: 8, kernel: 3 } as const;
    expect(algorithms({ ...deep, batch: 15 }, machine(16))).toEqual(thrice("direct"));
    expect(algorithms({ ...deep, batch: 16 }, machine(16))).not.toContain("direct");
    expect(ofResult({ ...deep, batch: 15 }, machine(16))).toBe("winograd6");
  });

  it("by larger tiles where no gradients follow what their rounding decides", () => {
    const layer = { channels: [384, 256], side: 12, kernel: 3 } as const;
    expect(algorithms(layer, machine(8))[0]).toBe("winograd6");
    expect(ofResult(layer, machine(8))).toBe("winograd8");
    const lenet = { batch: 256, channels: [6, 16], side: 10, kernel: 5 } as const;
    expect(algorithms(lenet, machine(8))[0]).toBe("direct");
    expect(ofResult(lenet, machine(8))).toBe("winograd8");
  });

  it("directly where nobody waits for them", () => {
    const layer = { channels: [48, 64], kernel: 3 } as const;
    expect(algorithms({ ...layer, batch: 1, side: 34 }, machine(16))).toEqual(thrice("direct"));
    expect(algorithms({ ...layer, batch: 1, side: 35 }, machine(16))).not.toContain("direct");
  });

  it.each([16, 8, 4])("directly where Winograd cannot or does not pay: %i lanes", (lanes) => {
    const direct = (layer: Layer) =>
      expect(algorithms(layer, machine(lanes)), JSON.stringify(layer)).toEqual(thrice("direct"));
    direct({ channels: [64, 64], side: 24, kernel: 3, options: { stride: 2 } });
    direct({ channels: [64, 64], side: 24, kernel: 3, options: { dilation: 2, padding: 2 } });
    direct({ channels: [64, 64], side: 24, kernel: 1 });
    direct({ channels: [64, 64], side: 24, kernel: 7 });
    // few channels: transforms would take longer than the products
    direct({ channels: [1, 6], side: 28, kernel: 5 });
    direct({ channels: [64, 64], side: 24, kernel: 3, options: { groups: 64 } });
    // one small map: the filters take longer to transform than the image
    direct({ batch: 1, channels: [384, 384], side: 12, kernel: 3 });
  });

  it("directly where result channels are few and images enough to fill lanes", () => {
    const layer = { channels: [64, 5], side: 64, kernel: 3 } as const;
    const [result, gradInput, gradWeight] = algorithms({ ...layer, batch: 16 }, machine(8));
    expect([result, gradWeight]).toEqual(["direct", "direct"]);
    expect(gradInput).not.toBe("direct"); // its channels are the 64
    expect(algorithms({ ...layer, batch: 9 }, machine(8))).not.toContain("direct");
  });

  it("directly by a single vector of columns only where transforms take longer still", () => {
    const layer = { batch: 64, channels: [8, 16], side: 112, kernel: 3 } as const;
    const [result, , gradWeight] = algorithms(layer, machine(16));
    expect([result, gradWeight]).toEqual(["direct", "winograd8"]);
    const wider = { ...layer, channels: [8, 32] } as const;
    expect(algorithms(wider, machine(16))[2]).toBe("winograd8");
    const shallower = { ...layer, channels: [4, 16] } as const;
    expect(algorithms(shallower, machine(16))[2]).toBe("direct");
  });

  it("as the backend can", () => {
    const layer = { channels: [384, 256], side: 12, kernel: 3 } as const;
    expect(algorithms(layer, machine(8, ["direct"]))).toEqual(thrice("direct"));
    expect(algorithms(layer, machine(8, ["direct", "winograd6"]))).toEqual(thrice("winograd6"));
  });
});
