import { expect, it } from "vitest";
import { exampleImages } from "./examples.js";

it("makes images of any number and size, no two of them the same", async () => {
  expect(await exampleImages([1, 1, 1, 2]).data()).toEqual(Float32Array.of(0, Math.sin(1)));
  const values = (await exampleImages([7, 1, 64, 64]).data()) as Float32Array;
  expect(values.every((value, i) => value === Math.fround(Math.sin(i % 4093)))).toBe(true);
  const firsts = Array.from({ length: 7 }, (_, i) => values[4096 * i]);
  expect(new Set(firsts).size).toBe(7);
});
