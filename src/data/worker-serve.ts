// What a worker thread of a pool does with the messages that it gets: it answers each with a result or
// with what went wrong. Node only; the pool is worker-pool.ts.

import { parentPort, type TransferListItem } from "node:worker_threads";
import { DataError, refusedMemory } from "../errors.js";

export interface WorkerRequest<Task> {
  readonly id: number;
  readonly task: Task;
}

/** `problem` in place of the result when the task failed, and the file if it is one's fault. */
export type WorkerReply<Result> =
  | { readonly id: number; readonly result: Result }
  | { readonly id: number; readonly problem: string; readonly file?: string };

/**
 * Answers every request with `work`.
 *
 * @param handOver The memory of a result that is given away rather than copied.
 * @param atOnce How many may be under way: more than one where the work waits for other threads, as
 *   decoding does.
 */
export function serve<Task, Result>(
  work: (task: Task) => Promise<Result>,
  handOver: (result: Result) => readonly TransferListItem[] = () => [],
  atOnce = 1,
): void {
  const lanes = Array.from({ length: atOnce }, () => Promise.resolve());
  let next = 0;
  parentPort?.on("message", ({ id, task }: WorkerRequest<Task>) => {
    const lane = next++ % atOnce;
    lanes[lane] = lanes[lane]!.then(async () => {
      try {
        const result = await work(task);
        parentPort?.postMessage({ id, result }, handOver(result));
      } catch (error) {
        parentPort?.postMessage({ id, ...described(error) });
      }
    });
  });
}

function described(error: unknown): { readonly problem: string; readonly file?: string } {
  if (error instanceof DataError) return { problem: error.problem, file: error.file };
  return {
    problem: refusedMemory(error) ?? (error instanceof Error ? error.message : String(error)),
  };
}
