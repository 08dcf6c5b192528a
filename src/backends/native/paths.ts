// Where the addon and its sources lie in the package, seen from src and from dist alike.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("../../../", import.meta.url));

export const sourceFolder: string = join(packageRoot, "native");
export const nativeFolder: string = join(packageRoot, "build", "native");
export const addonPath: string = join(nativeFolder, "fovea.node");
