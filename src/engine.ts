// Puts the engine together: what tensors need when they are read is given to the runtime here.

import { openReference } from "./backends/reference/index.js";
import { evaluate, store } from "./execute.js";
import { runtime } from "./runtime.js";

runtime.evaluate = evaluate;
runtime.store = store;
runtime.open = openReference;
