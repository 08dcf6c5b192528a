// Programs as words: what does not depend on the addon. That kernels read what is written here is what
// the conformance suite shows.

import { expect, it } from "vitest";
import type { ElementwiseCall } from "../kernels.js";
import { structs } from "./abi.js";
import { encodeCalls, encodeProgram } from "./encode.js";

it("a program may have thousands of calls", () => {
  const operand = { buffer: 0, dtype: "f32", offset: 0, strides: [] } as const;
  const call: ElementwiseCall = {
    kernel: "elementwise",
    shape: [],
    sources: [{ kind: "constant", dtype: "f32", value: 1 }],
    instructions: [],
    results: [{ register: 0, operand }],
  };
  const calls = new Array<ElementwiseCall>(10_000).fill(call);
  const buffers = [{ kind: "output", index: 0, bytes: 4 }] as const;
  const words = new BigInt64Array(encodeProgram({ buffers, arenaBytes: 0, calls }));
  const before = Object.keys(structs.ProgramHeader).length + Object.keys(structs.BufferSpec).length;
  const one = encodeCalls([call]).map(BigInt);
  const last = before + one.length * (calls.length - 1);
  expect([...words.slice(last, last + one.length)]).toEqual(one);
});
