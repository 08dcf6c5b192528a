// File formats: what users import as fovea/formats. Only re-exports. safetensors.ts is browser-safe;
// the files that read or write a disk are Node's.

export { readFileLimited, writeFileAtomic } from "./files.js";
export {
  encodeSafetensors,
  parseSafetensors,
  type SafetensorsEntry,
  type SafetensorsSource,
} from "./safetensors.js";
export { readSafetensors, readSafetensorsHeader, writeSafetensors } from "./safetensors-file.js";
export type { SafetensorsHeader, StoredDType, TensorLayout } from "./safetensors-header.js";
