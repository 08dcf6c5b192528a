// Tensors and networks as text, against what PyTorch prints (test/golden/text.py).

import { describe, expect, it } from "vitest";
import golden from "../test/golden/text.golden.json" with { type: "json" };
import { models, nn, type Tensor, tensor } from "./index.js";

interface Case {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly text: string;
  readonly values?: readonly (number | string)[];
}

const dtypes = { float32: "f32", int32: "i32", uint8: "u8" } as const;

/** The tensor that PyTorch printed. */
function tensorOf({ shape, dtype, values }: Case): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const number = (v: number | string) =>
    typeof v === "number" ? v : v === "nan" ? NaN : v === "inf" ? Infinity : -Infinity;
  const numbers = values
    ? values.map(number)
    : Array.from({ length: count }, (_, i) => (((7919 * i) % 101) - 50) / 32);
  return tensor(Float32Array.from(numbers), shape).to(dtypes[dtype as keyof typeof dtypes]);
}

describe("tensors print as PyTorch's do", () => {
  it.each(golden.tensors as Case[])("$text", async (c) => {
    const suffix = c.dtype === "float32" ? ")" : `, dtype=${dtypes[c.dtype as "int32"]})`;
    expect(await tensorOf(c).text()).toBe(c.text.replace(/\)$/, suffix));
  });

  it("says the shape of a tensor without elements", async () => {
    expect(await tensor(new Float32Array(0), [0, 3]).text()).toBe("tensor([], shape=[0, 3])");
  });

  it("says what is known before the values are", async () => {
    const x = tensor([1, 2]).mul(2);
    expect(String(x)).toBe("tensor(<await data()>, shape=[2], dtype=f32)");
    await x.data();
    expect(String(x)).toBe("tensor([2., 4.])");
    expect(String(tensor([0.5]))).toBe("tensor([0.5000])");
  });
});

describe("networks print as PyTorch's do", () => {
  it.each(["lenet", "alexnet"] as const)("%s", (name) => {
    expect(String(models[name]!.build())).toBe(golden.networks[name]);
  });

  it("a module with options of every kind", () => {
    class Block extends nn.Module {
      branch = new nn.Sequential(
        new nn.Conv2d(4, 8, [1, 3], {
          stride: [2, 1],
          padding: [0, 1],
          dilation: 2,
          groups: 2,
          bias: false,
        }),
        new nn.Tanh(),
      );
      pool = new nn.MaxPool2d([2, 3], { stride: 1, padding: 1, dilation: 2, ceilMode: true });
      mean = new nn.AvgPool2d([2, 3], { padding: 1 });
      fc = new nn.Linear(3, 2, { bias: false });
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(String(new Block())).toBe(golden.networks.block);
  });
});
