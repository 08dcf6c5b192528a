// What `import … from "fovea"` gives in Node: the whole library, computing with the native kernels.

import { openNative } from "./backends/native/index.js";
import { runtime } from "./runtime.js";

export { type NativeOptions, openNative } from "./backends/native/index.js";
export * from "./index.js";

runtime.open = openNative;
