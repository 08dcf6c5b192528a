// A backend that refuses unsound programs: every plan that a test makes, on whatever way, is verified.

import type { Backend } from "../../src/backends/backend.js";
import { type NativeOptions, openNative } from "../../src/backends/native/index.js";
import { openReference } from "../../src/backends/reference/index.js";
import { BackendError } from "../../src/errors.js";
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

/** A verified backend; or, where this machine has none of that name, the reason why not. */
export function openVerified(
  name: "reference" | "native",
  options: NativeOptions = {},
): Backend | string {
  try {
    return verified(name === "reference" ? openReference() : openNative(options));
  } catch (error) {
    if (error instanceof BackendError) return error.message;
    throw error;
  }
}
