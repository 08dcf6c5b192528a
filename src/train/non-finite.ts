// The end of a training whose numbers are none any more, in words. Where they come from, diagnose.ts
// finds out. Browser-safe.

import { FoveaError } from "../errors.js";

/** Where the first values that are not finite are. */
export interface Finding {
  readonly kind: "images" | "values" | "output" | "loss" | "gradient" | "update";
  /** The layer's name, "" for the network itself; undefined for the images and the loss. */
  readonly layer?: string;
  /** Its class: "Conv2d". */
  readonly type?: string;
  /** Which of its parameters or buffers ("values", "update"), or of its parameters' gradients, if it is one. */
  readonly name?: string;
  /** What the optimizer keeps for that parameter ("exp_avg"), if the parameter itself is finite. */
  readonly kept?: string;
  /** "update": the first and the last step whose update may have done it. Mostly it is one. */
  readonly steps?: readonly [first: number, last: number];
}

interface NonFiniteFacts {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly finding: Finding | undefined;
  /** Steps in a row that were left out before this one. */
  readonly skipped: number;
  /** That the step was taken, and what it has left is not finite. */
  readonly taken?: true;
}

/**
 * A step whose loss or gradients are not finite, and which has changed nothing; or one after which values
 * are not finite that were to be kept.
 */
export class NonFiniteError extends FoveaError {
  override readonly name = "NonFiniteError";
  readonly problem: string;
  /** From 1 on, through all epochs. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  /** Undefined where looking for it needs more memory than there is. */
  readonly finding: Finding | undefined;

  constructor({ step, epoch, loss, finding, skipped, taken }: NonFiniteFacts) {
    const what = Number.isFinite(loss) ? "its gradients are not finite" : `its loss is ${loss}`;
    const row = skipped > 0 ? `, after ${skipped} steps that were left out` : "";
    const where = finding ? `; ${inWords(finding)}` : "";
    const problem = taken
      ? `after step ${step} not all values are finite${where}`
      : `step ${step} cannot be taken${row}: ${what}${where}`;
    super(`fit: ${problem}`);
    this.problem = problem;
    this.step = step;
    this.epoch = epoch;
    this.loss = loss;
    this.finding = finding;
  }
}

/** As in "features.3" (Conv2d). */
function layerInWords({ layer, type }: Finding): string {
  if (layer === undefined) return "the loss";
  return layer === "" ? `the network itself (${type})` : `"${layer}" (${type})`;
}

function inWords(finding: Finding): string {
  const { kind, name } = finding;
  switch (kind) {
    case "images":
      return "the batch's images are not finite";
    case "values":
      return `the first values that are not finite are "${name}" of ${layerInWords(finding)}`;
    case "output":
      return `the first values that are not finite come out of ${layerInWords(finding)}`;
    case "loss":
      return "the first value that is not finite is the loss itself: the network's output is finite";
    case "update": {
      const [first, last] = finding.steps!;
      const step = first === last ? `step ${last}` : `a step from ${first} to ${last}`;
      const what = finding.kept === undefined ? `"${name}"` : `"${finding.kept}" of "${name}"`;
      return `the update of ${step} has made ${what} in ${layerInWords(finding)} not finite`;
    }
    case "gradient":
      return name === undefined
        ? `the first gradient that is not finite, on the way back, comes from ${layerInWords(finding)}`
        : `the first gradient that is not finite, on the way back, is that of "${name}" in ${layerInWords(finding)}`;
  }
}
