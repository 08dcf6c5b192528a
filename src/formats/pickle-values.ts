// What a pickle (pickle.ts) can hold here: data, and what a format adds to it. Browser-safe.

/** What a dict of ours can have for a key. */
export type PickleKey = string | number | bigint | boolean | null;

/** Anything that a pickle can hold here. `Special` is what `PickleHooks` add. */
export type PickleValue =
  | PickleKey
  | PickleTuple
  | PickleValue[]
  | Map<PickleKey, PickleValue>
  | PickleSpecial;

/** A Python tuple. */
export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** The base of what hooks put into a pickle's values: functions to call, tensors, storages. */
export abstract class PickleSpecial {
  /** What it is, for errors: "the function torch._utils._rebuild_tensor_v2". */
  abstract readonly what: string;
}

/** Stands for a Python function or class, and does for it what it would have done. */
export abstract class PickleFunction extends PickleSpecial {
  /** @returns undefined if these are no arguments for it. */
  abstract call(args: readonly PickleValue[]): PickleValue | undefined;
}
