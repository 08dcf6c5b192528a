// What people see of an error, and what the shell does.

import { CommanderError } from "commander";
import { ArgumentError, FoveaError, MemoryError, refusedMemory, ShapeError } from "../errors.js";

/** The command line asks for something that there is not. */
export class UsageError extends FoveaError {
  override readonly name = "UsageError";
}

/** Does what nothing but an option's value can make impossible. */
export function blaming<T>(option: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ArgumentError || error instanceof ShapeError)
      throw new UsageError(`${option}: ${error.message}`);
    throw error;
  }
}

/** The signals that end a command in good order, with their numbers. */
export const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
export type EndingSignal = keyof typeof signals;

/** The user ended it, or the system. */
export class InterruptedError extends FoveaError {
  override readonly name = "InterruptedError";
  constructor(
    message: string,
    readonly signal: EndingSignal = "SIGINT",
  ) {
    super(message);
  }
}

/**
 * One sentence for what a user can act on; everything for what only we can.
 *
 * @param batches Whether the command line has a --batch-size.
 */
export function explain(error: unknown, batches = false): string {
  if (error instanceof InterruptedError) return error.message;
  if (batches && error instanceof MemoryError && error.largestBatch)
    return `error: ${error.message}: --batch-size ${error.largestBatch} or less`;
  if (error instanceof FoveaError) return `error: ${error.message}`;
  const memory = refusedMemory(error);
  if (memory !== undefined) return `error: ${memory}`;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `error: this is a mistake in Fovea itself, please report it\n${text}`;
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) return 2;
  // as shells have it
  return error instanceof InterruptedError ? 128 + signals[error.signal] : 1;
}
