// What becomes of special values where convolutions are computed by Winograd's algorithms: which zeros stay
// zeros, so that no optimizer moves what has no gradient; and how far a NaN or an infinity gets.

import { afterAll, describe, expect, it } from "vitest";
import type { Backend } from "../../src/backends/backend.js";
import type { NativeOptions } from "../../src/backends/native/index.js";
import {
  compile,
  fromTypedArray,
  nn,
  optim,
  setBackend,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { Random } from "./build.js";
import { forced } from "./forced.js";
import { openVerified } from "./verified.js";

const algorithms = ["winograd6", "winograd8"] as const;
const isas = ["avx512", "avx2", "portable"];
/** Results along a side of a tile, for filters of 3×3. */
const results = { winograd6: 4, winograd8: 6 };

const [batch, channels, side] = [3, 12, 19];
const shape = [batch, channels, side, side];
const plane = side * side;

function draw(seed: number, count: number): Float32Array<ArrayBuffer> {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.signed());
}

const opened: Backend[] = [];
function open(options: NativeOptions): Backend | string {
  const backend = openVerified("native", options);
  if (typeof backend !== "string") opened.push(backend);
  return backend;
}
afterAll(async () => {
  for (const backend of opened) await backend.close();
});

describe.each(isas)("on %s", (isa) => {
  describe.each(algorithms)("by %s", (algorithm) => {
    const backend = open({ isa });
    if (typeof backend !== "string") forced(backend, algorithm);

    it("channels without a gradient get exactly none, and Adam leaves them alone", async ({
      skip,
    }) => {
      if (typeof backend === "string") return skip(backend);
      setBackend(backend);
      const [deadIn, deadOut] = [5, 3];
      const x = draw(1, batch * channels * plane);
      for (let n = 0; n < batch; n++)
        x.fill(0, (n * channels + deadIn) * plane, (n * channels + deadIn + 1) * plane);
      const conv = new nn.Conv2d(channels, 10, 3, { padding: 1 });
      const bias = draw(2, 10);
      bias[deadOut] = -1000; // the ReLU lets nothing of it through
      conv.weight.set(tensor(draw(3, 10 * channels * 9), conv.weight.shape));
      conv.bias!.set(tensor(bias, [10]));
      const before = await conv.weight.data();
      const optimizer = new optim.Adam(conv.parameters(), { lr: 0.1 });
      const step = compile((images: Tensor) => {
        conv(images).relu().square().mean().backward();
        const gradients = { weight: conv.weight.grad!, bias: conv.bias!.grad! };
        optimizer.step();
        return gradients;
      });
      const { weight, bias: ofBias } = await step(tensor(x, shape));
      const [gradient, after] = [await weight.data(), await conv.weight.data()];
      expect((await ofBias.data())[deadOut]).toBe(0);
      for (let i = 0; i < gradient.length; i++) {
        const [to, from] = [Math.floor(i / (channels * 9)), Math.floor(i / 9) % channels];
        const isDead = to === deadOut || from === deadIn;
        expect(gradient[i] === 0, `gradient ${i} is 0`).toBe(isDead);
        expect(after[i] === before[i], `weight ${i} is as before`).toBe(isDead);
      }
      expect((await conv.bias!.data())[deadOut]).toBe(-1000);
      step.dispose();
    });

    it("of images that are 0 the bias alone is left, and their neighbours' bits are as without them", async ({
      skip,
    }) => {
      if (typeof backend === "string") return skip(backend);
      setBackend(backend);
      const { convolve, bias } = layer();
      const x = draw(4, batch * channels * plane);
      const whole = await convolve(x);
      x.fill(0, channels * plane, 2 * channels * plane);
      const y = await convolve(x);
      const size = 10 * plane;
      for (let i = 0; i < size; i++)
        expect(y[size + i], `result ${i}`).toBe(bias[Math.floor(i / plane)]);
      for (const n of [0, 2])
        expect(y.subarray(n * size, (n + 1) * size)).toEqual(
          whole.subarray(n * size, (n + 1) * size),
        );
    });

    it.for([Number.NaN, Number.POSITIVE_INFINITY])(
      "%d in one pixel reaches all results that read it, and no further than their tiles",
      async (value, { skip }) => {
        if (typeof backend === "string") return skip(backend);
        setBackend(backend);
        const { convolve } = layer();
        const x = draw(5, batch * channels * plane);
        const whole = await convolve(x);
        const [n, c, row, column] = [1, 7, 9, 12];
        x[((n * channels + c) * side + row) * side + column] = value;
        const y = await convolve(x);
        const m = results[algorithm];
        /** Whether a result is in a tile that reads the pixel: rows first − 1 to first + m of x. */
        const reads = (at: number, pixel: number) => {
          const first = at - (at % m);
          return first - 1 <= pixel && pixel <= first + m;
        };
        for (let i = 0; i < y.length; i++) {
          const [h, w] = [Math.floor(i / side) % side, i % side];
          const image = Math.floor(i / (10 * plane));
          if (image === n && Math.abs(h - row) <= 1 && Math.abs(w - column) <= 1)
            expect(Number.isFinite(y[i]), `result ${i}`).toBe(false);
          else if (image !== n || !reads(h, row) || !reads(w, column))
            expect(y[i], `result ${i}`).toBe(whole[i]);
        }
      },
    );
  });
});

/** A convolution of drawn weights, as a function of arrays. */
function layer() {
  const bias = draw(6, 10);
  const weight = tensor(draw(7, 10 * channels * 9), [10, channels, 3, 3]);
  const convolve = async (x: Float32Array<ArrayBuffer>) => {
    const y = nn.functional.conv2d(fromTypedArray(x.slice(), shape), weight, tensor(bias, [10]), {
      padding: 1,
    });
    return (await y.data()) as Float32Array;
  };
  return { convolve, bias };
}
