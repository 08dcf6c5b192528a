export { alexnet } from "./alexnet.js";
export { lenet } from "./lenet.js";
export { type ModelOptions, type ModelSpec, models } from "./registry.js";
