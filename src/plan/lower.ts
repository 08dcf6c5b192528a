// Graph → draft: every node becomes a window over some memory, and kernel calls that fill it. Views
// cost nothing; elementwise nodes that are not stored become instructions of their users' programs.

import type { Operand, Origin, ReduceCall } from "../backends/kernels.js";
import { ArgumentError } from "../errors.js";
import { type Node, type Part, topological, usersOf, type Window } from "../graph/node.js";
import type { Origins } from "../graph/origins.js";
import { channelsLast, rowMajor, stridesInOrder } from "../graph/shape.js";
import { Calls } from "./calls.js";
import { storedNodes } from "./fuse.js";
import type { Draft, VirtualBuffer } from "./ir.js";
import { Places, partOf, type Roots, stateOf } from "./places.js";
import { buffersOf, constantProgram, type ElementwiseProgram, programOf } from "./program.js";
import {
  dense,
  type Layout,
  layoutLike,
  operandOf,
  orderOf,
  type Stored,
  type Value,
} from "./values.js";

/**
 * With `inPlace`, a state's new value is written over the old one by the call that computes it, where
 * the graph allows that; otherwise (and where it does not) it is copied there by a call of its own.
 */
export function lower(roots: Roots, inPlace: boolean, origins?: Origins): Draft {
  return new Lowering(roots, inPlace, origins).run();
}

class Lowering {
  private readonly calls = new Calls();
  private readonly values = new Map<Node, Value>();
  private readonly order: readonly Node[];
  private readonly stored: ReadonlySet<Node>;
  private readonly users: ReadonlyMap<Node, readonly Node[]>;
  private readonly places: Places;

  constructor(
    private readonly roots: Roots,
    private readonly inPlace: boolean,
    private readonly origins: Origins | undefined,
  ) {
    const { outputs, updates } = roots;
    // updates last layer first: the order in which backward() gets to them
    const changes = updates.map(([, node]) => node).reverse();
    // what is both a result and a state's new value tells of the whole run: at its end it keeps nothing waiting
    const both = outputs.filter((node) => changes.includes(node));
    const others = [...outputs, ...changes].filter((node) => !both.includes(node));
    this.order = topological([...others, ...both]);
    this.users = usersOf(this.order);
    const results = new Set([...outputs, ...updates.map(([, node]) => node)]);
    this.stored = storedNodes(this.order, this.users, results);
    this.places = new Places(
      this.order,
      this.users,
      roots,
      inPlace,
      (node, shape, operand, value) =>
        this.calls.addElementwise(shape, constantProgram(node, value), operand),
    );
  }

  run(): Draft {
    for (const node of this.order) {
      if (node.op.lower.kind === "elementwise" && !this.stored.has(node)) continue;
      this.calls.origin = this.origins?.of(node);
      this.values.set(node, this.valueOf(node));
    }
    this.roots.outputs.forEach((node, index) => {
      this.calls.origin = this.origins?.of(node);
      if (!this.wroteTo(node, (b) => b.kind === "output" && b.index === index)) {
        this.copy(node, {
          kind: "memory",
          buffer: this.places.outputBuffer(node, index),
          window: dense(node.shape),
        });
      }
    });
    const left = this.roots.updates.filter(
      ([state, node]) =>
        !this.wroteTo(node, (b) => b.kind === "state" && b.fresh && b.state === state),
    );
    // old values of what is itself about to change are put aside first (a swap, a transpose)
    for (const [state, node] of left) {
      this.calls.origin = this.updateOf(node);
      const old = stateOf(node);
      const changes = this.roots.updates.some(([updated]) => updated === old);
      if (!changes || (this.inPlace && old !== state)) continue;
      const aside = this.places.allocate(node);
      this.copy(node, aside);
      this.values.set(node, aside);
    }
    for (const [state, node] of left) {
      this.calls.origin = this.updateOf(node);
      const buffer = this.places.freshBuffer(state);
      this.copy(node, { kind: "memory", buffer, window: dense(node.shape) });
    }
    return { buffers: this.places.buffers, calls: this.calls.made };
  }

  private updateOf(node: Node): Origin | undefined {
    return this.origins && { layer: this.origins.of(node)?.layer ?? "", pass: "update" };
  }

  // ------------------------------------------------------------- where roots go

  private wroteTo(root: Node, test: (buffer: VirtualBuffer) => boolean): boolean {
    const value = this.values.get(root);
    return value?.kind === "memory" && test(this.places.buffers[value.buffer]!);
  }

  // ------------------------------------------------------------- nodes

  private valueOf(node: Node): Value {
    const { lower } = node.op;
    switch (lower.kind) {
      case "leaf": {
        const leaf = lower.leaf(node.attrs);
        return leaf.kind === "constant"
          ? { kind: "constant", value: leaf.value }
          : this.places.bind(node, leaf.binding);
      }
      case "index":
        return { kind: "index", window: dense(node.shape) };
      case "elementwise":
        return this.elementwise(node);
      case "view": {
        const value = this.read(node.inputs[0]!);
        if (value.kind === "constant") return value;
        const window = lower.view(node, value.window);
        if (window) return { ...value, window };
        return { ...value, ...this.rowMajorCopy(node, lower) };
      }
      case "reduce":
        return this.reduce(node, lower.reduce(node.attrs), lower.axes(node));
      case "assemble":
        return this.assemble(node, lower.parts(node));
      case "kernel": {
        const operands = node.inputs.map((x) => this.operand(x));
        const layout: Layout = (shape) =>
          lower.channelsLast && shape.length === 4 ? channelsLast(shape) : rowMajor(shape);
        const read = operands.map((x) => x.buffer);
        const main = this.places.place(node, layout, read);
        const results: (Operand | undefined)[] = [operandOf(main, node.dtype)];
        for (const extra of this.users.get(node) ?? []) {
          const extraLower = extra.op.lower;
          if (extraLower.kind !== "extra") continue;
          const value = this.places.place(extra, layout, read);
          this.values.set(extra, value);
          results[1 + extraLower.index(extra.attrs)] = operandOf(value, extra.dtype);
        }
        this.calls.add(lower.call(node, operands, results));
        return main;
      }
      case "extra":
        return this.values.get(node)!;
      case "composed":
        throw new ArgumentError(node.op.name, "must have been taken apart before it is lowered");
    }
  }

  /** The value of a node that has one of its own (stored, leaf, view). */
  private read(node: Node): Value {
    const value = this.values.get(node);
    if (value) return value;
    // an unstored elementwise node that only a view or a kernel turned out to need
    const made = this.elementwise(node);
    this.values.set(node, made);
    return made;
  }

  /** A window that a kernel can read: numbers and positions are written to memory first. */
  private operand(node: Node): Operand {
    const value = this.read(node);
    if (value.kind === "memory") return operandOf(value, node.dtype);
    const stored = this.places.allocate(node);
    this.copy(node, stored);
    this.values.set(node, stored);
    return operandOf(stored, node.dtype);
  }

  private rowMajorCopy(
    node: Node,
    lower: { view(node: Node, window: Window): Window | undefined },
  ): Stored {
    const input = node.inputs[0]!;
    const stored = this.places.allocate(input);
    this.copy(input, stored);
    const window = lower.view(node, stored.window);
    if (!window) throw new ArgumentError(node.op.name, "cannot be expressed over row-major memory");
    return { ...stored, window };
  }

  // ------------------------------------------------------------- programs

  /** Over the values that there are; an elementwise node without one is computed on the way. */
  private programFor(node: Node): ElementwiseProgram {
    return programOf(
      node,
      (x) => this.values.get(x) ?? (x.op.lower.kind === "elementwise" ? undefined : this.read(x)),
    );
  }

  private elementwise(node: Node): Value {
    const program = this.programFor(node);
    this.places.keepFromOverwriting(node, program.sources);
    const layout = layoutLike(node.shape, program.sources);
    const result = this.places.place(node, layout, buffersOf(program.sources));
    this.calls.addElementwise(node.shape, program, operandOf(result, node.dtype));
    return result;
  }

  private copy(node: Node, to: Stored): void {
    this.calls.addElementwise(node.shape, this.programFor(node), operandOf(to, node.dtype));
  }

  private reduce(node: Node, op: ReduceCall["op"], axes: readonly number[]): Value {
    const input = node.inputs[0]!;
    const program = this.programFor(input);
    const result = this.places.place(node, rowMajor, buffersOf(program.sources));
    const operand = operandOf(result, node.dtype);
    if (this.calls.addReduce(op, input.shape, axes, program, operand)) return result;
    const stored = this.places.allocate(input);
    this.copy(input, stored);
    this.values.set(input, stored);
    return this.reduce(node, op, axes);
  }

  private assemble(node: Node, parts: readonly Part[]): Value {
    const first = this.read(node.inputs[0]!);
    const order = first.kind === "memory" ? orderOf(first.window) : undefined;
    const layout: Layout = (shape) => (order ? stridesInOrder(shape, order) : rowMajor(shape));
    const whole = this.places.whole(node, layout);
    for (const part of parts) {
      const input = node.inputs[part.input]!;
      const place = partOf(whole, input, part);
      const value = this.read(input);
      if (value.kind === "memory" && value.buffer === whole.buffer) {
        if (this.places.isIn(node, input, value, place)) continue;
        // another part of the same memory: no call reads and writes that
        const aside = this.places.allocate(input);
        this.copy(input, aside);
        this.values.set(input, aside);
      }
      this.copy(input, place);
    }
    return whole;
  }
}
