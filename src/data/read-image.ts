// A picture from a file. Node only.

import { createHash } from "node:crypto";
import { readFileLimited } from "../formats/files.js";
import { decodeImage, decodeRaw } from "./decode.js";
import type { Image } from "./image.js";

/** No PNG of as many pixels as are decoded is larger: eight bytes a pixel, nothing compressed. */
const maxFileBytes = 2 ** 30;

/**
 * Reads and decodes a PNG or JPEG file.
 *
 * @param channels 1 for grey, 3 for red, green and blue.
 * @throws DataError naming the file if it cannot be read, is no such image, or is damaged.
 */
export async function readImage(path: string, channels: number): Promise<Image> {
  return decodeImage(await readFileLimited(path, maxFileBytes), channels, path);
}

export interface Measured {
  readonly size: readonly [height: number, width: number];
  /** Tells whether the file has changed: a part of its SHA-256. */
  readonly digest: string;
}

/**
 * Decodes a PNG or JPEG file only to see that it can be done.
 *
 * @throws DataError as `readImage` does.
 */
export async function measureImage(path: string): Promise<Measured> {
  const bytes = await readFileLimited(path, maxFileBytes);
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const { height, width } = await decodeRaw(bytes, path);
  return { size: [height, width], digest };
}
