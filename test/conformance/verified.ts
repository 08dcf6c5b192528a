// A backend that refuses unsound programs: every plan that a test makes, on whatever way, is verified.

import type { Backend } from "../../src/backends/backend.js";
import { verify } from "../../src/plan/verify.js";

/** The same backend, from now on throwing for a program that breaks a rule of the contract. */
export function verified<B extends Backend>(backend: B): B {
  const load = backend.load.bind(backend);
  backend.load = (program) => {
    const problems = verify(program);
    if (problems.length > 0) throw new Error(`unsound program: ${problems.join("; ")}`);
    return load(program);
  };
  return backend;
}
