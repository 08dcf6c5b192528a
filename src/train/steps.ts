// The two functions that training replays: a step of the optimizer, and a test. They say what is
// computed for a batch; fit.ts says for which.

import { cat, countCorrect, where } from "../combine.js";
import { type Compiled, compile } from "../compile.js";
import { ones } from "../create.js";
import { makePixels } from "../data/pixels.js";
import { crossEntropy } from "../nn/functional.js";
import { type Logits, logitsOf, type Network } from "../nn/outputs.js";
import { Buffer } from "../nn/parameter.js";
import { clipGradNorm } from "../optim/clip.js";
import type { Optimizer } from "../optim/optimizer.js";
import { noGrad, requireTrace } from "../runtime.js";
import { Tensor } from "../tensor.js";

/** Mean over the batch, of logits [n, classes] and labels [n]. */
export type Loss = (logits: Tensor, target: Tensor) => Tensor;

/** What a batch gave: scalars, still with the engine. */
export type StepOutput = {
  readonly loss: Tensor;
  readonly correct: Tensor;
  /** 0 where a guarded step's loss is not finite, or a gradient that it looks at; not there without a guard. */
  readonly finite?: Tensor;
};

/** Bytes as 0…1, floats as they are. */
const asNumbers = makePixels(undefined);

/** A function of images [n, c, h, w] as a loader gives them, and labels i32 [n]. */
export type Step = Compiled<[x: Tensor, y: Tensor], StepOutput>;

export interface StepOptions {
  /** Default: crossEntropy. */
  readonly loss?: Loss;
  /** What the network sees of a loader's images: its `pixels`. Default: bytes as 0…1, floats as they are. */
  readonly pixels?: (x: Tensor) => Tensor;
}

export interface TrainStepOptions extends StepOptions {
  /** Scales all gradients down where their norm, taken together, is more than this. Default: never. */
  readonly clipGradNorm?: number;
  /**
   * What a step does whose numbers are none. "halt": one whose loss is not finite changes nothing, nor
   * does any later one, however many are under way behind it. Where gradients are not, though the loss is,
   * it says so once it has changed the parameters, and nothing changes them any more: it looks at those of
   * biases, which are sums of all that comes back to their layers. This costs next to nothing. "skip": one
   * whose loss or gradients are not finite changes nothing. All gradients are then kept until the last one
   * is known, as clipping keeps them, with which "halt" does so too. "none" does not look. Default: "halt".
   */
  readonly guard?: "halt" | "skip" | "none";
}

/** Whether a step looks at all gradients before it changes anything. */
export const looksAtAll = ({ guard, clipGradNorm }: TrainStepOptions): boolean =>
  guard === "skip" || clipGradNorm !== undefined;

/**
 * Changes the parameters; the loss is that before the change. The network must be in train mode. Where
 * all is finite, a guard changes no bit.
 */
export function trainStep(
  net: Network,
  optimizer: Optimizer,
  options: TrainStepOptions = {},
): Step {
  const { loss: lossOf = crossEntropy, pixels = asNumbers, guard = "halt" } = options;
  const { clipGradNorm: maxNorm } = options;
  const all = looksAtAll(options);
  const running = new Buffer(ones([]), "whether training goes on");
  return compile((x: Tensor, y: Tensor) => {
    const output = net(pixels(x));
    const logits = logitsOf(output);
    const loss = totalLoss(output, y, lossOf);
    optimizer.zeroGrad();
    loss.backward();
    const gradients = optimizer.parameters.flatMap(({ grad }) => grad ?? []);
    const finite = allFinite([loss, ...(all ? gradients.toReversed() : [])]);
    const sums = all ? [] : gradients.filter(({ shape }) => shape.length <= 1);
    if (maxNorm !== undefined) clipGradNorm(optimizer.parameters, maxNorm);
    optimizer.step();
    const result = { loss, correct: countCorrect(logits, y) };
    if (guard === "none") return result;
    const takes = guard === "halt" ? where(running, finite, 0) : finite;
    requireTrace("step").onlyIf(takes.node);
    if (guard === "skip") return { ...result, finite: takes };
    // in one piece of memory: they are written there, and looked at in one call
    const sound = sums.length > 0 ? allFinite([cat(sums.map((g) => g.reshape(-1)))]) : 1;
    const goesOn = where(takes, sound, 0).float();
    running.set(goesOn);
    return { ...result, finite: goesOn };
  });
}

/** 1 if all of these are finite, else 0: 0 · x is 0 for every finite x, and else NaN. */
function allFinite(tensors: readonly Tensor[]): Tensor {
  // one by one as they are given: each is read while it is at hand
  const zeros = tensors.map((tensor) => tensor.mul(0).sum());
  return zeros
    .reduce((sum, zero) => sum.add(zero))
    .eq(0)
    .int();
}

/** Changes nothing. The network must be in eval mode. */
export function testStep(
  net: Network,
  { loss: lossOf = crossEntropy, pixels = asNumbers }: StepOptions = {},
): Step {
  return compile((x: Tensor, y: Tensor) =>
    noGrad(() => {
      const logits = logitsOf(net(pixels(x)));
      return { loss: lossOf(logits, y), correct: countCorrect(logits, y) };
    }),
  );
}

/** The loss of the logits, and of the auxiliary ones for what they count. */
export function totalLoss(output: Logits, y: Tensor, lossOf: Loss): Tensor {
  const loss = lossOf(logitsOf(output), y);
  if (output instanceof Tensor) return loss;
  return output.auxiliary.reduce((sum, x) => sum.add(lossOf(x, y).mul(output.weight)), loss);
}
