// Which backends the conformance suite runs on. Backends of one subject must agree bit for bit: they
// are one build and one instruction set, with different numbers of threads.

import type { Backend } from "../../src/backends/backend.js";
import { openNative } from "../../src/backends/native/index.js";
import { openReference } from "../../src/backends/reference/index.js";
import { BackendError } from "../../src/errors.js";

export interface Subject {
  readonly name: string;
  readonly backends: readonly Backend[];
  /** Why it cannot run here. */
  readonly skipped?: string;
}

const instructionSets = ["avx512", "avx2", "portable"];
const threadCounts = [1, 2, 3];

export function openSubjects(): Subject[] {
  return [
    { name: "reference", backends: [openReference()] },
    ...instructionSets.map((isa): Subject => {
      const name = `native ${isa}`;
      try {
        return { name, backends: threadCounts.map((threads) => openNative({ isa, threads })) };
      } catch (error) {
        // Not built, or not for this machine: the error says which.
        if (!(error instanceof BackendError)) throw error;
        return { name, backends: [], skipped: error.message };
      }
    }),
  ];
}
