// Training: what users import as fovea/train. Only re-exports. fit.ts and history.ts are browser-safe;
// run-folder.ts and weights.ts are Node's.

export { type CurvesOptions, drawCurves } from "./curves.js";
export { type FitOptions, fit, type StepProgress } from "./fit.js";
export type { CurvePoint, EpochRecord, History, StepRecord } from "./history.js";
export { checkRunFolder, RunFolder, type RunResults, runFiles } from "./run-folder.js";
export { loadWeights, readWeights, saveWeights, type Weights, writeWeights } from "./weights.js";
