// The cases of the conformance suite, and random chains of ops, as ONNX in onnxruntime: the export of every
// op there is. FOVEA_FUZZ_SEED=<number> draws other chains than usual, and ten times as many.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OnnxError } from "../../src/formats/index.js";
import { fromTypedArray, type Tensor, type TypedArray } from "../../src/index.js";
import { expectSame, Fn, onnxBytes, openModel, useReference } from "../support/onnx.js";
import { cases } from "./ops/cases.js";
import { type Chain, carryOut, chains } from "./ops/chains.js";
import type { OpCase } from "./ops/check.js";
import { type Input, spread } from "./ops/values.js";

/** Cases that a file cannot have, each with the reason. */
const reasons: readonly (readonly [cases: RegExp, reason: string])[] = [
  [/no elements|no rows|no images|\[0,3\]/, "a file is for one image or more"],
  [/^f32 → i32 truncates/, "what is out of range is whatever a runtime makes of it"],
];
const usable = cases.filter(({ name }) => !reasons.some(([those]) => those.test(name)));
const [losses, ops] = [true, false].map((loss) =>
  usable.filter(({ name }) => name.startsWith("crossEntropy") === loss),
) as [OpCase[], OpCase[]];

useReference();

const arrays = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const;
const tensorOf = ({ dtype, shape, values }: Input): Tensor =>
  fromTypedArray(arrays[dtype].from(values) as TypedArray, shape);

/** The first input is the network's, the others are constants in it. */
async function check({ inputs, build }: OpCase): Promise<void> {
  const [own, ...others] = inputs as [Input, ...Input[]];
  const [batch = 1, ...image] = own.shape;
  const net = new Fn((x) =>
    build(x.reshape(own.shape).to(own.dtype), ...others.map((input) => tensorOf(input))),
  );
  const model = await openModel(await onnxBytes(net, image, { batch }));
  const x = tensorOf({ ...own, dtype: "f32" }).reshape(batch, ...image);
  await expectSame(net, model, x, 1e-5);
  await model.release();
}

describe("ops as ONNX", () => {
  it.each(ops)("$name", check);

  it("all but losses", async () => {
    expect(losses.length).toBeGreaterThan(5);
    for (const test of losses) {
      await expect(check(test)).rejects.toThrow(
        new OnnxError("crossEntropy", "", "has no ONNX form"),
      );
    }
    expect(cases.length - usable.length).toBeLessThan(10);
  });

  const otherSeed = process.env.FOVEA_FUZZ_SEED;

  it("chains of them", { timeout: 600_000 }, async () => {
    const caseOf = (chain: Chain): OpCase => ({
      name: JSON.stringify(chain),
      inputs: [spread(chain.shape)],
      build: carryOut(chain).tensor,
      gradient: "none",
    });
    await fc.assert(
      fc.asyncProperty(chains, (chain) => check(caseOf(chain))),
      {
        seed: otherSeed === undefined ? 17 : Number(otherSeed),
        numRuns: otherSeed === undefined ? 200 : 2000,
      },
    );
  });
});
