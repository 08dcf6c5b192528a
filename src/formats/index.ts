// File formats: what Node's users import as fovea/formats. Only re-exports.

export * from "./browser.js";
export { readFileLimited, writeFileAtomic } from "./files.js";
export { encodeOnnx, OnnxError, type OnnxOptions, writeOnnx } from "./onnx/index.js";
export { readPth } from "./pth-file.js";
export { readSafetensors, readSafetensorsHeader, writeSafetensors } from "./safetensors-file.js";
export { readShapes, readTensors } from "./tensors-file.js";
