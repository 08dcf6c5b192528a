// A few worker threads that prepare batches. It knows how to start them, hand out work, and end; what
// the work is, prepare.ts says. Node only; loader.ts imports it when it needs it.

import { Worker } from "node:worker_threads";
import { DataError } from "../errors.js";
import type { PrepareTask } from "./prepare.js";
import type { WorkerReply, WorkerRequest } from "./worker.js";

interface Waiting {
  readonly resolve: (images: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that live until `close`, and never keep the process alive while nobody waits for them. */
export class WorkerPool {
  readonly #workers: readonly Worker[];
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #failure: Error | undefined;
  #closed = false;

  /**
   * @param count How many threads.
   * @param source The data set's name, for errors.
   * @param start Starts one thread; tests put broken ones in its place.
   */
  constructor(
    count: number,
    readonly source: string,
    start: () => Worker = startWorker,
  ) {
    this.#workers = Array.from({ length: count }, () => {
      const worker = start();
      worker.unref();
      worker.on("message", (reply: WorkerReply) => this.#receive(reply));
      worker.on("error", (error) => this.#fail(error.message));
      worker.on("messageerror", (error) => this.#fail(error.message));
      worker.on("exit", (code) => this.#fail(`it ended with exit code ${code}`));
      return worker;
    });
  }

  /**
   * Prepares images on one of the threads. The task's images are handed over: the caller's array is
   * empty afterwards.
   *
   * @throws DataError (as a rejection) if the task fails, or if any of the threads has died.
   */
  run(task: PrepareTask): Promise<Uint8Array<ArrayBuffer>> {
    const id = this.#next++;
    const result = new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#waiting.set(id, { resolve, reject });
      const request: WorkerRequest = { id, task };
      // In turn: batches take equally long, and they are wanted in order.
      this.#workers[id % this.#workers.length]!.postMessage(request, [task.images.buffer]);
    });
    // A batch that is never asked for may fail without anyone looking.
    result.catch(() => {});
    return result;
  }

  /** Waits for a result, and keeps the process alive for as long. */
  async wait<T>(result: Promise<T>): Promise<T> {
    for (const worker of this.#workers) worker.ref();
    try {
      return await result;
    } finally {
      for (const worker of this.#workers) worker.unref();
    }
  }

  /** Ends the threads, whatever they are doing. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #receive(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("images" in reply) waiting?.resolve(reply.images);
    else waiting?.reject(new DataError(this.source, `a batch failed: ${reply.problem}`));
  }

  #fail(reason: string): void {
    if (this.#closed || this.#failure) return;
    this.#failure = new DataError(
      this.source,
      `a worker thread of the loader died: ${reason}; with workers: 0 batches are prepared without any`,
    );
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/**
 * The compiled worker beside this file; or, where this file runs from its TypeScript source (in tests),
 * the source of the worker, for which Node needs a loader.
 */
function startWorker(): Worker {
  if (!import.meta.url.endsWith(".ts")) {
    // The options of the process, such as a debugger's or a loader's, are not the worker's.
    return new Worker(new URL("./worker.js", import.meta.url), { execArgv: [] });
  }
  const hooks = new URL("../../scripts/typescript-hooks.mjs", import.meta.url).href;
  const register = `import { register } from "node:module"; register(${JSON.stringify(hooks)});`;
  return new Worker(new URL("./worker.ts", import.meta.url), {
    execArgv: ["--import", `data:text/javascript,${encodeURIComponent(register)}`],
  });
}
