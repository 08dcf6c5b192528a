// Training: what users import as fovea/train. Only re-exports. fit.ts and what it needs, freeze.ts and
// values.ts are browser-safe; checkpoint.ts, run-folder.ts, tensorboard.ts and weights.ts are Node's.

export { readCheckpoint, type WriteCheckpointOptions, writeCheckpoint } from "./checkpoint.js";
export { type RunConfig, readRunConfig } from "./config.js";
export { fit } from "./fit.js";
export type { CheckpointOptions, FitOptions, StepProgress } from "./fit-options.js";
export { freeze } from "./freeze.js";
export type { CurvePoint, EpochRecord, History, StepRecord } from "./history.js";
export { listImages } from "./image-list.js";
export type { EpochSchedule } from "./learning-rate.js";
export { type Finding, NonFiniteError } from "./non-finite.js";
export {
  checkRunFolder,
  type ResumeOptions,
  type RunCheckpointOptions,
  RunFolder,
  type RunFolderOptions,
  type RunResults,
  runFiles,
} from "./run-folder.js";
export type { Loss } from "./steps.js";
export { TensorBoardWriter } from "./tensorboard.js";
export type { Progress, TrainingState } from "./training.js";
export { readWeights, type Weights } from "./values.js";
export {
  type Leftover,
  type LoadReport,
  type LoadWeightsOptions,
  loadWeights,
  saveWeights,
  WeightsMismatchError,
  writeWeights,
} from "./weights.js";
