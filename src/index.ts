// The public surface of the engine and the library; nothing here needs Node.

import "./engine.js";

export type { Backend } from "./backends/backend.js";
export { openReference } from "./backends/reference/index.js";
export { cat, countCorrect, grad, oneHot, stack, where } from "./combine.js";
export { type Compiled, type CompileOptions, compile, type PlanReport } from "./compile.js";
export {
  arange,
  fromTypedArray,
  full,
  ones,
  rand,
  randn,
  scalar,
  tensor,
  zeros,
} from "./create.js";
export * from "./errors.js";
export type { DType, TypedArray } from "./graph/dtype.js";
export type { Shape } from "./graph/shape.js";
export * from "./models/index.js";
export * as nn from "./nn/index.js";
export * as optim from "./optim/index.js";
export {
  getBackend,
  manualSeed,
  noGrad,
  randomState,
  setBackend,
  setRandomState,
} from "./runtime.js";
export { type NestedArray, Tensor, type TensorLike } from "./tensor.js";
