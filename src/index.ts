// The public surface of the engine and the library; nothing here needs Node.

import "./engine.js";

export type { Backend } from "./backends/backend.js";
export { openReference } from "./backends/reference/index.js";
export { type Compiled, type CompileOptions, compile, type PlanReport } from "./compile.js";
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
export {
  arange,
  cat,
  countCorrect,
  fromTypedArray,
  full,
  grad,
  type NestedArray,
  oneHot,
  ones,
  rand,
  randn,
  scalar,
  stack,
  Tensor,
  type TensorLike,
  tensor,
  where,
  zeros,
} from "./tensor.js";
