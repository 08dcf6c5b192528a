// What Ctrl-C, SIGTERM, and SIGHUP of a terminal that is closed, do to `fovea train`. Before and after the
// loop of steps they end the process at once, in the loop the training between two steps, and at the second
// time the process there, too; with a line each time.

import { isatty } from "node:tty";
import { type EndingSignal, exitCodeOf, InterruptedError, signals } from "../errors.js";

const names = Object.keys(signals) as EndingSignal[];

/**
 * Whether no stream is a terminal, as nohup and daemons leave them: SIGHUP is not for these. (nohup itself
 * has it ignored, but Node gives all signals their usual effect when it starts, and does not say what was.)
 */
const isDetached = () => ![0, 1, 2].some((stream) => isatty(stream));

export class Interrupt {
  #controller: AbortController | undefined;
  #signal: EndingSignal = "SIGINT";
  /** Asked at once: a terminal that has gone is none. */
  readonly #detached = isDetached();

  /** @param words What it says. */
  constructor(private readonly words: () => string) {
    for (const name of names) process.on(name, this.#stop);
  }

  /**
   * Does what rejects with its signal's reason once that is aborted.
   *
   * @throws InterruptedError with the words as they are by then: weights may have been written meanwhile.
   */
  async during<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    try {
      return await work(signal);
    } catch (error) {
      throw signal.aborted && error === signal.reason ? this.#error() : error;
    } finally {
      this.#controller = undefined;
    }
  }

  /** Leaves the signals to the system again. */
  release(): void {
    for (const name of names) process.off(name, this.#stop);
  }

  readonly #error = () => new InterruptedError(this.words(), this.#signal);

  readonly #stop = (name: NodeJS.Signals) => {
    if (name === "SIGHUP" && this.#detached) return;
    this.#signal = name as EndingSignal;
    if (this.#controller && !this.#controller.signal.aborted) {
      this.#controller.abort();
      return;
    }
    const error = this.#error();
    // A bar may have hidden the cursor.
    process.stderr.write(`${process.stderr.isTTY ? "\x1b[K\x1b[?25h" : ""}${error.message}\n`);
    process.exit(exitCodeOf(error));
  };
}
