// One file from the network into memory, within limits of size and time. Node and browsers alike: only
// fetch. It neither checks nor keeps what came.

import { DataError } from "../errors.js";

export interface DownloadOptions {
  /** A longer answer is refused as soon as it is seen to be longer. */
  readonly maxBytes: number;
  /** Gives up when nothing has come for this long, in milliseconds. */
  readonly stallMilliseconds?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Downloads a file.
 *
 * @throws DataError naming the address and what went wrong: no connection, a status other than 200,
 *   too much data, or none for too long.
 */
export async function download(
  url: string,
  { maxBytes, stallMilliseconds = 15_000, fetch = globalThis.fetch }: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const abort = new AbortController();
  const giveUp = () =>
    abort.abort(
      new DataError(url, `cannot be downloaded: nothing came for ${stallMilliseconds} ms`),
    );
  let timer = setTimeout(giveUp, stallMilliseconds);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (response.status !== 200 || !response.body) {
      throw new DataError(url, `cannot be downloaded: the server answered ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, stallMilliseconds);
      length += chunk.length;
      if (length > maxBytes) {
        throw new DataError(url, `cannot be downloaded: it is larger than ${maxBytes} bytes`);
      }
      chunks.push(chunk);
    }
    return join(chunks, length);
  } catch (error) {
    abort.abort();
    if (error instanceof DataError) throw error;
    throw new DataError(url, `cannot be downloaded: ${reason(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** fetch says only "fetch failed" and hides the reason in the cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message;
}
