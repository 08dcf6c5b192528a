// Weights in a file of either format, by whatever name. The formats have tests of their own.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePth } from "../../test/support/pth.js";
import { readTensors } from "./tensors-file.js";

const golden = JSON.parse(
  await readFile(new URL("../../test/golden/pth.golden.json", import.meta.url), "utf8"),
) as { files: Record<string, string> };

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fovea-tensors-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("which format a file has", () => {
  const named = async (name: string, bytes: Uint8Array) => {
    const file = join(folder, name);
    await writeFile(file, bytes);
    return readTensors(file).then(
      (tensors) => [...tensors.keys()].join(),
      (error: Error) => error.message.slice(file.length + 2),
    );
  };

  it("is told by its content, not by its name", async () => {
    expect(
      await named("a.safetensors", encodePth([["w", { shape: [0], data: new Float32Array() }]])),
    ).toBe("w");
    // a header of 640 bytes: the length begins as a pickle does
    const padded = new Uint8Array(8 + 640).fill(0x20);
    new DataView(padded.buffer).setBigUint64(0, 640n, true);
    padded.set(
      new TextEncoder().encode('{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      8,
    );
    expect(await named("a.pth", padded)).toBe("w");
    expect(await named("b.pth", Buffer.from(golden.files.pickle!, "base64"))).toBe(
      "is a Python pickle, but not one that torch.save has written",
    );
    expect(await named("c.pth", new TextEncoder().encode("<html>not found</html>"))).toBe(
      "is neither a safetensors file nor one that torch.save has written (it starts with bytes 3c 68 74 6d)",
    );
    expect(await named("d.pth", new Uint8Array(3))).toBe(
      "is 3 bytes long; a safetensors file has at least 8 bytes and a header",
    );
  });
});
