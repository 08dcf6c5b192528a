// What is said of a training whose numbers are none. That it is found out is diagnose.test.ts's.

import { describe, expect, it } from "vitest";
import { type Finding, NonFiniteError } from "./non-finite.js";

describe("a training whose numbers are none", () => {
  it("says it in one sentence", () => {
    const facts = { step: 5, epoch: 2, loss: Number.NaN, skipped: 0 };
    const said = (finding: Finding, loss = facts.loss) =>
      new NonFiniteError({ ...facts, loss, finding }).message;
    expect(said({ kind: "output", layer: "features.3", type: "Conv2d" })).toBe(
      "fit: step 5 cannot be taken: its loss is NaN; the first values that are not finite come out " +
        'of "features.3" (Conv2d)',
    );
    expect(said({ kind: "output", layer: "", type: "Net" })).toContain(
      "come out of the network itself (Net)",
    );
    expect(said({ kind: "values", layer: "1", type: "BatchNorm2d", name: "1.weight" })).toContain(
      '; the first values that are not finite are "1.weight" of "1" (BatchNorm2d)',
    );
    expect(said({ kind: "images" })).toContain("; the batch's images are not finite");
    expect(said({ kind: "loss" })).toContain(
      "; the first value that is not finite is the loss itself: the network's output is finite",
    );
    expect(said({ kind: "gradient", layer: "1", type: "Steep" }, 0.5)).toBe(
      "fit: step 5 cannot be taken: its gradients are not finite; the first gradient that is not " +
        'finite, on the way back, comes from "1" (Steep)',
    );
    expect(said({ kind: "gradient" }, 0.5)).toContain("comes from the loss");
    expect(said({ kind: "gradient", layer: "1", type: "Linear", name: "1.bias" }, 0.5)).toContain(
      'is that of "1.bias" in "1" (Linear)',
    );
    const update = { kind: "update", layer: "1", type: "Linear", name: "1.bias" } as const;
    expect(said({ ...update, steps: [4, 4] })).toBe(
      "fit: step 5 cannot be taken: its loss is NaN; the update of step 4 has made " +
        '"1.bias" in "1" (Linear) not finite',
    );
    const found = { ...update, kept: "exp_avg", steps: [3, 5] } as const;
    expect(new NonFiniteError({ ...facts, loss: 1, finding: found, taken: true }).message).toBe(
      "fit: after step 5 not all values are finite; the update of a step from 3 to 5 has made " +
        '"exp_avg" of "1.bias" in "1" (Linear) not finite',
    );
    expect(new NonFiniteError({ ...facts, finding: undefined, skipped: 9 }).message).toBe(
      "fit: step 5 cannot be taken, after 9 steps that were left out: its loss is NaN",
    );
  });
});
