import { beforeAll, expect, test } from "vitest";
import { dense, inputsAndOutputs, operand, runOnce } from "../../../test/support/programs.js";
import { buildNative } from "./build.js";
import { openNative } from "./index.js";

beforeAll(() => buildNative(), 600_000);

test("runs a program and reads its result", async () => {
  const backend = openNative({ threads: 2 });
  const x = Float32Array.of(1, 2, 3, 4);
  const program = {
    buffers: inputsAndOutputs([x], [{ dtype: "f32", length: 4 }]),
    arenaBytes: 0,
    calls: [
      {
        kernel: "elementwise",
        shape: [2, 2],
        sources: [
          { kind: "memory", operand: operand(0, dense([2, 2])) },
          { kind: "constant", dtype: "f32", value: 0.5 },
        ],
        instructions: [{ op: "mul", dtype: "f32", args: [0, 1] }],
        results: [{ register: 2, operand: operand(1, dense([2, 2])) }],
      },
    ],
  } as const;
  const [y] = await runOnce(backend, program, [x]);
  expect(new Float32Array(y!)).toEqual(Float32Array.of(0.5, 1, 1.5, 2));
  await backend.close();
});
