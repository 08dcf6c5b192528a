// The program of a loader's worker thread: prepares each batch that it is sent, and sends it back. All
// it needs comes with the message. Node only; worker-pool.ts starts it.

import { parentPort } from "node:worker_threads";
import { type PrepareTask, prepare } from "./prepare.js";

export interface WorkerRequest {
  readonly id: number;
  readonly task: PrepareTask;
}

/** `problem` in place of the images when the task failed. */
export type WorkerReply =
  | { readonly id: number; readonly images: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly problem: string };

const port = parentPort;
port?.on("message", ({ id, task }: WorkerRequest) => {
  let reply: WorkerReply;
  try {
    reply = { id, images: prepare(task) };
  } catch (error) {
    reply = { id, problem: error instanceof Error ? error.message : String(error) };
  }
  // Handed over, not copied.
  port.postMessage(reply, "images" in reply ? [reply.images.buffer] : []);
});
