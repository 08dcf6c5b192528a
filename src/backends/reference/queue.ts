// First in, first out: the order in which a backend does what it was asked for, and the pauses in
// which the event loop gets its turn.

/** The longest time, in milliseconds, for which timers and I/O wait (one kernel call may exceed it). */
const longestTurn = 50;

/** Resolves in a later task of the event loop. Browsers have no setImmediate. */
function laterTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

export class Queue {
  private tail: Promise<unknown> = Promise.resolve();
  private turnStart = 0;

  /** Does `job` after all jobs before it, whether they worked or not. */
  add<T>(job: () => T | Promise<T>): Promise<T> {
    const result = this.tail.then(job);
    this.tail = result.catch(() => {});
    return result;
  }

  /** Resolves when all that was added so far is done. */
  async drained(): Promise<void> {
    await this.tail;
  }

  /** To await between two pieces of work. */
  async breathe(): Promise<void> {
    if (performance.now() - this.turnStart < longestTurn) return;
    await laterTask();
    this.turnStart = performance.now();
  }
}
