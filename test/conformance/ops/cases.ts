// All cases of the conformance suite for ops.

import type { OpCase } from "./check.js";
import { elementwiseCases } from "./elementwise.cases.js";
import { layerCases } from "./layer.cases.js";
import { movementCases } from "./movement.cases.js";
import { productCases } from "./product.cases.js";
import { reductionCases } from "./reduction.cases.js";
import { selectionCases } from "./selection.cases.js";
import { windowCases } from "./window.cases.js";

export const cases: readonly OpCase[] = [
  ...elementwiseCases,
  ...selectionCases,
  ...movementCases,
  ...reductionCases,
  ...productCases,
  ...windowCases,
  ...layerCases,
];
