// Which backends the conformance suite runs on. Backends of one subject must agree bit for bit.

import type { Backend } from "../../src/backends/backend.js";
import { openReference } from "../../src/backends/reference/index.js";

export interface Subject {
  readonly name: string;
  readonly backends: readonly Backend[];
  /** Why it cannot run here. */
  readonly skipped?: string;
}

export async function openSubjects(): Promise<Subject[]> {
  return [{ name: "reference f32", backends: [openReference()] }];
}
