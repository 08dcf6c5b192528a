// What fovea/formats is in a browser: all that needs no disk. Only re-exports.

export type { StoredDType, TensorEntry } from "./elements.js";
export { type PthOptions, parsePth } from "./pth.js";
export {
  encodeSafetensors,
  parseSafetensors,
  type SafetensorsSource,
  type StoredSource,
} from "./safetensors.js";
export type { SafetensorsHeader, TensorLayout } from "./safetensors-header.js";
