// Every error that Fovea throws on purpose. Each names the operation, what was expected, what came
// and the way out, and carries the same facts as data.

/** The base of all of them: catch this to catch a mistake that Fovea explains. */
export class FoveaError extends Error {
  override readonly name: string = "FoveaError";
}

/** Shapes that do not fit an operation. */
export class ShapeError extends FoveaError {
  override readonly name = "ShapeError";
  constructor(
    readonly op: string,
    readonly problem: string,
    readonly shapes: readonly (readonly number[])[] = [],
  ) {
    super(`${op}: ${problem}`);
  }
}

/** An element type that an operation does not take. */
export class DTypeError extends FoveaError {
  override readonly name = "DTypeError";
  constructor(
    readonly op: string,
    readonly problem: string,
  ) {
    super(`${op}: ${problem}`);
  }
}

/** An argument outside its range. */
export class ArgumentError extends FoveaError {
  override readonly name = "ArgumentError";
  constructor(
    readonly op: string,
    readonly problem: string,
  ) {
    super(`${op}: ${problem}`);
  }
}

/** A lazy value whose parameter changed before it was read. */
export class StaleTensorError extends FoveaError {
  override readonly name = "StaleTensorError";
  constructor(readonly state: string) {
    super(
      `data: this tensor was computed from "${state}", which has changed since; read it before the ` +
        "step, or write the expression again",
    );
  }
}

/** Something that only works inside (or only outside) a function given to compile(). */
export class TraceError extends FoveaError {
  override readonly name = "TraceError";
}

/** A plan that needs more memory than there is. */
export class MemoryError extends FoveaError {
  override readonly name = "MemoryError";
  constructor(
    readonly neededBytes: number,
    readonly availableBytes: number,
    readonly largestBatch: number | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** What to do about memory that was refused, in words; undefined where the error is about something else. */
export function refusedMemory(error: unknown): string | undefined {
  // engines have no other way to say so
  const refused = /allocation failed|^Invalid typed array length: \d{10,}$/;
  if (!(error instanceof RangeError && refused.test(error.message))) return undefined;
  return `there is not enough memory (${error.message}); smaller batches and smaller images need less`;
}

/** A backend that cannot be opened, or a kernel that met a value that it cannot take. */
export class BackendError extends FoveaError {
  override readonly name = "BackendError";
}

/** A data file or a weights file that is missing, damaged, or not what it claims to be. */
export class DataError extends FoveaError {
  override readonly name = "DataError";
  constructor(
    readonly file: string,
    readonly problem: string,
  ) {
    super(`${file}: ${problem}`);
  }
}
