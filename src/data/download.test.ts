import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { DataError } from "../errors.js";
import { download } from "./download.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** The address of a file that a local server answers for. */
async function serve(answer: RequestListener): Promise<string> {
  const started = createServer(answer);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/file.gz`;
}

describe("download", () => {
  it("gives the bytes", async () => {
    const url = await serve((_, response) => {
      response.write("hello, ");
      response.end("download");
    });
    const bytes = await download(url, { maxBytes: 15 });
    expect(new TextDecoder().decode(bytes)).toBe("hello, download");
  });

  it("names the status, the size, and a connection that fails", async () => {
    const missing = await serve((_, response) => response.writeHead(404).end("no"));
    await expect(download(missing, { maxBytes: 9 })).rejects.toThrow(
      new DataError(missing, "cannot be downloaded: the server answered 404"),
    );
    server?.close();
    const long = await serve((_, response) => response.end("x".repeat(100_000)));
    await expect(download(long, { maxBytes: 99_999 })).rejects.toThrow(
      new DataError(long, "cannot be downloaded: it is larger than 99999 bytes"),
    );
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    await expect(download(long, { maxBytes: 9 })).rejects.toThrow(
      /cannot be downloaded: .*ECONNREFUSED/,
    );
  });

  it("gives up when nothing comes any more, and when the line breaks", async () => {
    const stalls = await serve((_, response) => response.write("a little, then nothing"));
    await expect(download(stalls, { maxBytes: 99, stallMilliseconds: 100 })).rejects.toThrow(
      new DataError(stalls, "cannot be downloaded: nothing came for 100 ms"),
    );
    server?.closeAllConnections();
    server?.close();
    const breaks = await serve((_, response) => {
      response.writeHead(200, { "content-length": 50 });
      response.write("half", () => response.destroy());
    });
    await expect(download(breaks, { maxBytes: 99 })).rejects.toThrow(DataError);
  });
});
