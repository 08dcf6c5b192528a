// The base of all layers and networks. Parameters, buffers and child modules are plain fields; their
// names are those of PyTorch's state dicts. A module is called like a function: `net(x)`.

import { fromTypedArray } from "../create.js";
import { FoveaError, ShapeError } from "../errors.js";
import type { TypedArray } from "../graph/dtype.js";
import { type Shape, sameShape, showShape } from "../graph/shape.js";
import { runtime } from "../runtime.js";
import { Tensor } from "../tensor.js";
import { Parameter, StateTensor } from "./parameter.js";
import { recorded } from "./recorded.js";

/** Called after a module's forward, with what it returned. */
export type ForwardHook = (module: Module, output: unknown) => void;

/** Called before a module's forward, with what it is given. */
export type ForwardPreHook = (module: Module, args: readonly unknown[]) => void;

/** Values to load: tensors, or what a weights file gives. */
export type StateDict = Iterable<
  readonly [string, Tensor | { readonly shape: Shape; readonly data: TypedArray }]
>;

/** Names in a state dict that do not fit the network's. */
export class StateDictError extends FoveaError {
  override readonly name = "StateDictError";
  constructor(
    readonly missing: readonly string[],
    readonly unexpected: readonly string[],
  ) {
    const list = (names: readonly string[]) =>
      names.slice(0, 8).join(", ") + (names.length > 8 ? `, … (${names.length} in all)` : "");
    const problems = [
      ...(missing.length > 0 ? [`missing: ${list(missing)}`] : []),
      ...(unexpected.length > 0 ? [`unexpected: ${list(unexpected)}`] : []),
    ];
    super(`loadStateDict: the names do not match the network's; ${problems.join("; ")}`);
  }
}

/** What makes `net(x)` right for TypeScript; the constructor of Callable makes it true. */
type Call<A extends unknown[], R> = (...args: A) => R;

export interface Module<A extends unknown[] = [Tensor], R = Tensor> extends Call<A, R> {}

/**
 * Instances are functions with the class's prototype: what a constructor returns is what the
 * subclasses' fields are put on.
 */
abstract class Callable<A extends unknown[], R> {
  constructor() {
    const call = (...args: A): R => (call as unknown as Callable<A, R>).invoke(args);
    // what a function has of its own, and a module may have a child of that name
    for (const name of ["name", "length"]) Reflect.deleteProperty(call, name);
    // biome-ignore lint/correctness/noConstructorReturn: an instance is a function
    return Object.setPrototypeOf(call, new.target.prototype);
  }

  protected abstract invoke(args: A): R;
}

/**
 * @example
 * class Net extends Module {
 *   conv = new Conv2d(1, 8, 3);
 *   fc = new Linear(8 * 26 * 26, 10);
 *   override forward(x: Tensor): Tensor {
 *     return this.fc(this.conv(x).relu().flatten(1));
 *   }
 * }
 * new Net()(zeros([5, 1, 28, 28])).shape; // [5, 10]
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see Callable
export abstract class Module<A extends unknown[] = [Tensor], R = Tensor> extends Callable<A, R> {
  #training = true;
  /**
   * Children whose names are numbers, which objects put first, and how many other fields there were
   * when each was added.
   */
  readonly #numbers = new Map<string, number>();
  readonly #preHooks = new Set<ForwardPreHook>();
  readonly #hooks = new Set<ForwardHook>();

  abstract forward(...args: A): R;

  /** What calling the module does. */
  protected override invoke(args: A): R {
    for (const hook of this.#preHooks) hook(this as unknown as Module, args);
    const output = recorded(this as unknown as AnyModule, args, () => this.forward(...args));
    for (const hook of this.#hooks) hook(this as unknown as Module, output);
    return output;
  }

  /** Whether dropout and the like are on. */
  get training(): boolean {
    const read = () => this.#training;
    return runtime.trace ? runtime.trace.guard(read) : read();
  }

  /** Training mode for this module and all below. */
  train(mode = true): this {
    this.#training = mode;
    for (const child of this.children()) child.train(mode);
    return this;
  }

  /** Evaluation mode for this module and all below. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `hook` after each forward of this module; the result removes it again. */
  registerForwardHook(hook: ForwardHook): () => void {
    this.#hooks.add(hook);
    return () => this.#hooks.delete(hook);
  }

  /** Calls `hook` before each forward of this module; the result removes it again. */
  registerForwardPreHook(hook: ForwardPreHook): () => void {
    this.#preHooks.add(hook);
    return () => this.#preHooks.delete(hook);
  }

  // ------------------------------------------------------------- what is inside

  /** Adds a child under a name, as a field of that name would. */
  addModule(name: string, module: AnyModule): void {
    if (/^\d+$/.test(name) && !this.#numbers.has(name))
      this.#numbers.set(name, Object.keys(this).length - this.#numbers.size);
    Object.defineProperty(this, name, {
      value: module,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }

  /** Direct children with their names, in the order in which they came. */
  *namedChildren(): Generator<[string, AnyModule]> {
    const order = Object.keys(this).filter((name) => !this.#numbers.has(name));
    let inserted = 0;
    for (const [name, before] of this.#numbers) order.splice(before + inserted++, 0, name);
    for (const name of order) {
      const value = (this as Record<string, unknown>)[name];
      if (value instanceof Module) yield [name, value];
    }
  }

  *children(): Generator<AnyModule> {
    for (const [, child] of this.namedChildren()) yield child;
  }

  /** This module (named "") and all below, with dotted names. */
  *namedModules(prefix = ""): Generator<[string, AnyModule]> {
    yield [prefix, this as unknown as AnyModule];
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(join(prefix, name));
  }

  *modules(): Generator<AnyModule> {
    for (const [, module] of this.namedModules()) yield module;
  }

  /** Parameters and buffers of this module and all below, with dotted names. */
  *namedStates(): Generator<[string, StateTensor]> {
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module))
        if (value instanceof StateTensor) yield [join(prefix, name), value];
    }
  }

  /** Each parameter once, under its first name, also where layers share it. */
  *namedParameters(): Generator<[string, Parameter]> {
    const seen = new Set<StateTensor>();
    for (const [name, state] of this.namedStates()) {
      if (state instanceof Parameter && !seen.has(state)) yield [name, state];
      seen.add(state);
    }
  }

  *parameters(): Generator<Parameter> {
    for (const [, parameter] of this.namedParameters()) yield parameter;
  }

  /** Calls `fn` with every module below, then with this one. */
  apply(fn: (module: AnyModule) => void): this {
    for (const child of this.children()) child.apply(fn);
    fn(this as unknown as AnyModule);
    return this;
  }

  // ------------------------------------------------------------- saving and loading

  /** All parameters and buffers by name. The tensors are the living ones: read them to get values. */
  stateDict(): Map<string, StateTensor> {
    return new Map(this.namedStates());
  }

  /** Replaces all values; nothing changes if a name is missing, unexpected, or has another shape. */
  loadStateDict(dict: StateDict): void {
    const given = new Map(dict);
    const own = this.stateDict();
    const missing = [...own.keys()].filter((name) => !given.has(name));
    const unexpected = [...given.keys()].filter((name) => !own.has(name));
    if (missing.length > 0 || unexpected.length > 0) throw new StateDictError(missing, unexpected);
    for (const [name, state] of own) {
      const { shape } = given.get(name)!;
      if (!sameShape(shape, state.shape)) {
        throw new ShapeError(
          "loadStateDict",
          `${name} must be ${showShape(state.shape)}, got ${showShape(shape)}`,
          [state.shape, shape],
        );
      }
    }
    for (const [name, state] of own) {
      const value = given.get(name)!;
      state.set(value instanceof Tensor ? value : fromTypedArray(value.data, value.shape));
    }
  }

  // ------------------------------------------------------------- as text

  /** The part in brackets: `1, 96, kernel_size=(11, 11)`. */
  extraRepr(): string {
    return "";
  }

  /** As PyTorch prints it. */
  override toString(): string {
    const children = [...this.namedChildren()].map(([name, child]) =>
      `(${name}): ${child}`.replaceAll("\n", "\n  "),
    );
    const type = this.constructor.name;
    return children.length === 0
      ? `${type}(${this.extraRepr()})`
      : `${type}(\n  ${children.join("\n  ")}\n)`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** A module of whatever arguments. */
// biome-ignore lint/suspicious/noExplicitAny: arguments are contravariant; only `any` stands for all of them
export type AnyModule = Module<any, any>;

const join = (prefix: string, name: string) => (prefix === "" ? name : `${prefix}.${name}`);
