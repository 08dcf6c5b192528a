// File formats: what Node's users import as fovea/formats. Only re-exports.

export * from "./browser.js";
export { readFileLimited, writeFileAtomic } from "./files.js";
export { encodeOnnx, OnnxError, type OnnxOptions, writeOnnx } from "./onnx/index.js";
export { readPth, readPthShapes } from "./pth-file.js";
export { readSafetensors, readSafetensorsHeader, writeSafetensors } from "./safetensors-file.js";
