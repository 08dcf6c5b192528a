// A graph is made of nodes, a node of an op and its inputs. Nodes are immutable and carry no values:
// shape and dtype are known at once, everything else when a plan runs. An op is one record: its shape
// rule, its gradient, and how a plan computes it. Passes read the record and never an op's name.

import type { DeviceBuffer } from "../backends/backend.js";
import type { Instruction, KernelCall, Operand, ReduceCall } from "../backends/kernels.js";
import type { DType, TypedArray } from "./dtype.js";
import type { Shape } from "./shape.js";

export interface Type {
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface Node<A = unknown> extends Type {
  readonly op: Op;
  readonly inputs: readonly Node[];
  readonly attrs: A;
}

export interface Op<A = unknown> {
  readonly name: string;
  /** Shape and dtype of the result; throws ShapeError or DTypeError where the user wrote the op. */
  infer(inputs: readonly Node[], attrs: A): Type;
  /** Further results beside the main one, reached with `extra(node, i)` (ops/extra.ts). */
  extras?(inputs: readonly Node[], attrs: A): readonly Type[];
  /** What each input receives, given what the result receives; undefined where nothing flows. */
  gradient?(g: Node, node: Node<A>): readonly (Node | undefined)[];
  /** A simpler node of the same value, if there is one. */
  simplify?(node: Node<A>): Node | undefined;
  /**
   * For a gradient that carries each of its numbers to a place where the forward value is the same
   * at both ends (max pooling's, a concatenation's): the values at the far end and at the near end, and
   * the same gradient of other numbers. What depends on the value alone, a ReLU's mask say, can then be
   * applied at the near end: it is smaller, and the far end need not be kept; or one for several ends.
   */
  route?(
    node: Node<A>,
  ): { readonly far: Node; readonly near: Node; readonly of: (g: Node) => Node } | undefined;
  /** Multiply-adds that the op takes, where they are what it is about. */
  macs?(node: Node<A>): number;
  readonly lower: Lowering<A>;
}

/** How a plan computes an op: the facts that the passes go by. */
export type Lowering<A> =
  /** Bound from outside when the plan runs, or known as a number. */
  | { readonly kind: "leaf"; leaf(attrs: A): Leaf }
  /** The position of each element in row-major order: never in memory. */
  | { readonly kind: "index" }
  /**
   * One instruction on every element (none: the input's register is the result); inputs have the
   * result's shape. Fuses with its like, unless the value comes about only by being `stored`.
   */
  | {
      readonly kind: "elementwise";
      instruction(node: Node<A>): BareInstruction | undefined;
      stored?(attrs: A): boolean;
    }
  /** Other strides over the same memory; undefined if these strides cannot express it. */
  | { readonly kind: "view"; view(node: Node<A>, window: Window): Window | undefined }
  | {
      readonly kind: "reduce";
      reduce(attrs: A): ReduceCall["op"];
      axes(node: Node<A>): readonly number[];
    }
  /** The inputs copied into parts of the result; the rest is filled. */
  | {
      readonly kind: "assemble";
      parts(node: Node<A>): readonly Part[];
      fill(attrs: A): number | undefined;
    }
  /** A kernel of its own. */
  | KernelLowering<A>
  /** The i-th further result of the input. */
  | { readonly kind: "extra"; index(attrs: A): number }
  /** What other nodes compute; an op of its own only for the sake of its gradient. */
  | { readonly kind: "composed"; compose(node: Node<A>): Node };

export interface KernelLowering<A> {
  readonly kind: "kernel";
  /** `operands` are the inputs' windows, `results` the main result's and the extras' that are used. */
  call(
    node: Node<A>,
    operands: readonly Operand[],
    results: readonly (Operand | undefined)[],
  ): KernelCall;
  /** Whether the result is laid out with channels last (or else row-major). */
  readonly channelsLast?: boolean;
  /** The same op with an activation applied to its result, where the kernel can do it on the way. */
  withActivation?(attrs: A): A | undefined;
  /** The same op's inputs with one more: where that is ≤ 0, the result is 0. */
  withMask?(inputs: readonly Node[], mask: Node): readonly Node[] | undefined;
  /** The extra that is the sum of an input over some dimensions, which stay with size 1. */
  readonly sums?: {
    readonly input: number;
    readonly dims: readonly number[];
    readonly extra: number;
  };
}

export type BareInstruction = Instruction extends infer I
  ? I extends { args: unknown }
    ? Omit<I, "args">
    : never
  : never;

/** Strides and an offset over some memory (or over the index space). Counts elements. */
export interface Window {
  readonly shape: Shape;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Where an input goes inside an assembled result. */
export interface Part {
  readonly input: number;
  readonly start: readonly number[];
  /** Distance between neighbours, along every dimension. */
  readonly steps: readonly number[];
}

export type Leaf =
  /** A number, the same at every element. */
  | { readonly kind: "constant"; readonly value: number }
  /** Anything else: what it is bound to is the business of whoever runs the plan. */
  | { readonly kind: "bound"; readonly binding: Binding };

/** What a leaf stands for. Compared by identity. */
export type Binding =
  | { readonly kind: "host"; readonly data: TypedArray }
  /** An argument of a compiled function. */
  | { readonly kind: "argument"; readonly position: number }
  /** A value that is asked for at each run: a learning rate, a random key. */
  | { readonly kind: "dynamic"; readonly read: () => TypedArray }
  /** Lasting memory: a parameter, an optimizer's momentum. */
  | { readonly kind: "state"; readonly state: StateLike; readonly version: number }
  /** A result that a backend still holds. */
  | {
      readonly kind: "device";
      readonly dtype: DType;
      readonly buffer: DeviceBuffer;
      readonly owner: object;
    };

/** What the graph needs to know of lasting memory. */
export interface StateLike extends Type {
  readonly name: string;
  readonly version: number;
}

/** A node of `op`, its shape checked. */
export function make<A>(op: Op<A>, inputs: readonly Node[], attrs: A): Node {
  const { shape, dtype } = op.infer(inputs, attrs);
  return { op: op as Op, inputs, attrs, shape, dtype };
}

/**
 * All nodes that `roots` depend on, each after its inputs; visited in the order of the roots. What is
 * `done` is left out, and what has been visited is added there.
 */
export function topological(roots: readonly Node[], done = new Set<Node>()): Node[] {
  const order: Node[] = [];
  for (const root of roots) {
    const stack: { node: Node; next: number }[] = [{ node: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (done.has(top.node)) {
        stack.pop();
      } else if (top.next < top.node.inputs.length) {
        stack.push({ node: top.node.inputs[top.next++]!, next: 0 });
      } else {
        done.add(top.node);
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

/** The nodes that have each node as an input, in their order; once for each time that they have it. */
export function usersOf(order: readonly Node[]): Map<Node, Node[]> {
  const users = new Map<Node, Node[]>();
  for (const node of order) {
    for (const x of node.inputs) {
      const list = users.get(x);
      if (list) list.push(node);
      else users.set(x, [node]);
    }
  }
  return users;
}
