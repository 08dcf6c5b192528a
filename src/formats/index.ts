// File formats: what Node's users import as fovea/formats. Only re-exports.

export * from "./browser.js";
export { readFileLimited, writeFileAtomic } from "./files.js";
export { readPth, readPthShapes } from "./pth-file.js";
export { readSafetensors, readSafetensorsHeader, writeSafetensors } from "./safetensors-file.js";
