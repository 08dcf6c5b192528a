// Whole files, read and written so that nothing half-done is ever seen. Node only. It knows nothing
// of what the bytes mean.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, type FileHandle, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../errors.js";

/** One write hands over at most this much, so that huge arrays pass through in pieces. */
const writeBytes = 16 * 1024 * 1024;

/** The operations that a write needs; tests put failing ones in their place. */
export interface FileOperations {
  open(path: string, flags: string): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

/** The system's. */
export const nodeFiles: FileOperations = { open, rename, unlink };

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than the file system allows",
  EIO: "the disk reported an input/output error",
  EISDIR: "it is a folder, not a file",
  ENOTDIR: "a part of its path is not a folder",
  ENAMETOOLONG: "its name is too long",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ELOOP: "too many symbolic links",
};

/**
 * What the operating system refused, as one sentence: `weights.safetensors: cannot be written: the
 * disk is full (ENOSPC)`. The original error is kept as `cause`.
 */
export function fileError(file: string, action: "read" | "written", error: unknown): DataError {
  if (error instanceof DataError) return error;
  const code = errorCode(error);
  const reason =
    code === "ENOENT"
      ? action === "read"
        ? "there is no such file"
        : "its folder does not exist"
      : ((code && reasons[code]) ?? (error instanceof Error ? error.message : String(error)));
  const result = new DataError(file, `cannot be ${action}: ${reason}${code ? ` (${code})` : ""}`);
  result.cause = error;
  return result;
}

/** The `code` of a system error ("ENOENT"), or undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Whether there is a file or folder of this name that can be reached. */
export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Writes a file so that a reader, or a crash at any moment, sees the whole old file or the whole new
 * one: the bytes go to a temporary name in the same folder, are flushed to the disk, and take the
 * final name in one step; then the folder is flushed too. If anything fails, the temporary file is
 * removed and the old file stays as it was.
 *
 * @param path The file; its folder must exist.
 * @param chunks The content, in order. Taken one at a time and never joined.
 * @throws DataError naming the file and what went wrong (disk full, permission denied, …). An error
 *   thrown by `chunks` itself is passed on as it is.
 * @example await writeFileAtomic("config.json", [new TextEncoder().encode("{}\n")]);
 */
export async function writeFileAtomic(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  files: FileOperations = nodeFiles,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  let created = false;
  try {
    const handle = await system(path, files.open(temporary, "wx"));
    created = true;
    try {
      for await (const chunk of chunks) await writeAll(path, handle, chunk);
      await system(path, handle.sync());
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
    await system(path, handle.close());
    await system(path, files.rename(temporary, path));
    created = false;
    await syncFolder(path, folder, files);
  } catch (error) {
    if (created) await files.unlink(temporary).catch(() => {});
    throw error;
  }
}

async function writeAll(path: string, handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.length) {
    const length = Math.min(writeBytes, chunk.length - done);
    const { bytesWritten } = await system(path, handle.write(chunk, done, length));
    // A disk that takes nothing and reports nothing would keep us here for ever.
    if (bytesWritten === 0) throw new DataError(path, "cannot be written: the disk takes no bytes");
    done += bytesWritten;
  }
}

/** Makes the new name itself last. Some systems cannot open or flush a folder: then it is theirs. */
async function syncFolder(path: string, folder: string, files: FileOperations): Promise<void> {
  const unsupported = new Set(["EISDIR", "EINVAL", "EPERM", "EACCES", "ENOTSUP", "EBADF"]);
  let handle: FileHandle | undefined;
  try {
    handle = await files.open(folder, "r");
    await handle.sync();
  } catch (error) {
    if (!unsupported.has(errorCode(error) ?? "")) throw fileError(path, "written", error);
  } finally {
    await handle?.close().catch(() => {});
  }
}

async function system<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw fileError(path, "written", error);
  }
}

/**
 * Reads a whole file of at most `maxBytes`, which is checked before anything is allocated.
 *
 * @throws DataError if it is missing, unreadable, not a regular file, or larger.
 */
export async function readFileLimited(
  path: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return withFile(path, async (handle, size) => {
    if (size > maxBytes) {
      throw new DataError(path, `is ${size} bytes long; expected at most ${maxBytes}`);
    }
    const bytes = allocate(path, size);
    await readAt(path, handle, bytes, 0);
    return bytes;
  });
}

/** Memory for `bytes` bytes of a file; more than there can be is a DataError, not a crash. */
export function allocate(path: string, bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    const result = new DataError(path, `needs ${bytes} bytes of memory at once, which is too much`);
    result.cause = error;
    throw result;
  }
}

/** Opening a pipe that nobody writes to would wait for ever, unless it is asked not to. */
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens a regular file for reading, tells its size, and closes it whatever happens. */
export async function withFile<T>(
  path: string,
  use: (handle: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, readOnly);
    const status = await handle.stat();
    if (!status.isFile()) throw new DataError(path, "is not a regular file");
    return await use(handle, status.size);
  } catch (error) {
    throw errorCode(error) === undefined ? error : fileError(path, "read", error);
  } finally {
    await handle?.close().catch(() => {});
  }
}

/** Fills `target` from `position` on, in pieces; a file that ends too early is a DataError. */
export async function readAt(
  path: string,
  handle: FileHandle,
  target: Uint8Array,
  position: number,
): Promise<void> {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(writeBytes, target.length - done);
    const { bytesRead } = await handle.read(target, done, length, position + done);
    if (bytesRead === 0) {
      throw new DataError(path, `ends at byte ${position + done}; expected more (did it shrink?)`);
    }
    done += bytesRead;
  }
}
