// A backend that computes convolutions in one way, wherever that takes their shape: so that tests see each
// algorithm on networks, and not only where the plan would choose it.

import type { Backend } from "../../src/backends/backend.js";
import type { ConvAlgorithm, KernelCall } from "../../src/backends/kernels.js";
import { takesWinograd } from "../../src/backends/operands.js";

/** The same backend, whose programs from now on have `algorithm`. */
export function forced<B extends Backend>(backend: B, algorithm: ConvAlgorithm): B {
  const load = backend.load.bind(backend);
  const scratchBytes = backend.scratchBytes.bind(backend);
  backend.load = (program) => load({ ...program, calls: program.calls.map(changed) });
  backend.scratchBytes = (calls) => scratchBytes(calls.map(changed));
  return backend;

  function changed(call: KernelCall): KernelCall {
    if (!("algorithm" in call) || !takesWinograd(call.geometry)) return call;
    return { ...call, algorithm };
  }
}
