// Tensors as users write them: immutable, lazy, with PyTorch's method names. What can be computed with
// them is here; how they are read is in lazy-array.ts.

import { ArgumentError, ShapeError } from "./errors.js";
import type { DType } from "./graph/dtype.js";
import type { Node } from "./graph/node.js";
import { normalizeDim, type Shape, showShape, sizeOf } from "./graph/shape.js";
import { LazyArray } from "./lazy-array.js";
import { gradients } from "./ops/backward.js";
import { expand, reshape } from "./ops/broadcast.js";
import { detach } from "./ops/detach.js";
import * as elementwise from "./ops/elementwise.js";
import { constant } from "./ops/leaf.js";
import { logSoftmax, softmax } from "./ops/loss.js";
import { matmul } from "./ops/matmul.js";
import * as movement from "./ops/movement.js";
import * as reduce from "./ops/reduce.js";
import { requireTrace } from "./runtime.js";

export type { NestedArray } from "./lazy-array.js";

/** Anything that counts as a tensor operand: numbers become scalars. */
export type TensorLike = Tensor | number;
type Dims = number | readonly number[];
/** `start:end:step` along one dimension; negative bounds count from the end. */
export type SliceLike = readonly [start?: number | null, end?: number | null, step?: number] | null;

export class Tensor extends LazyArray {
  // ------------------------------------------------------------- arithmetic

  add(other: TensorLike): Tensor {
    return binary(elementwise.add, this, other);
  }
  sub(other: TensorLike): Tensor {
    return binary(elementwise.sub, this, other);
  }
  mul(other: TensorLike): Tensor {
    return binary(elementwise.mul, this, other);
  }
  /** Always f32, as PyTorch's true division. */
  div(other: TensorLike): Tensor {
    return binary(elementwise.div, this, other);
  }
  pow(other: TensorLike): Tensor {
    return binary(elementwise.pow, this, other);
  }
  maximum(other: TensorLike): Tensor {
    return binary(elementwise.maximum, this, other);
  }
  minimum(other: TensorLike): Tensor {
    return binary(elementwise.minimum, this, other);
  }
  /** Every value at least `min` and at most `max`. */
  clamp(min: number, max = Number.POSITIVE_INFINITY): Tensor {
    // infinity is no whole number: where there is no bound, i32 stays i32
    const above = min === Number.NEGATIVE_INFINITY ? this : this.maximum(min);
    return max === Number.POSITIVE_INFINITY ? above : above.minimum(max);
  }

  neg(): Tensor {
    return unary(elementwise.neg, this);
  }
  abs(): Tensor {
    return unary(elementwise.abs, this);
  }
  exp(): Tensor {
    return unary(elementwise.exp, this);
  }
  log(): Tensor {
    return unary(elementwise.log, this);
  }
  sqrt(): Tensor {
    return unary(elementwise.sqrt, this);
  }
  sin(): Tensor {
    return unary(elementwise.sin, this);
  }
  cos(): Tensor {
    return unary(elementwise.cos, this);
  }
  tanh(): Tensor {
    return unary(elementwise.tanh, this);
  }
  sigmoid(): Tensor {
    return unary(elementwise.sigmoid, this);
  }
  erf(): Tensor {
    return unary(elementwise.erf, this);
  }
  floor(): Tensor {
    return unary(elementwise.floor, this);
  }
  relu(): Tensor {
    return unary(elementwise.relu, this);
  }
  square(): Tensor {
    return this.mul(this);
  }

  // ------------------------------------------------------------- comparison: 1 or 0, as u8

  eq(other: TensorLike): Tensor {
    return binary(elementwise.eq, this, other);
  }
  ne(other: TensorLike): Tensor {
    return binary(elementwise.ne, this, other);
  }
  lt(other: TensorLike): Tensor {
    return binary(elementwise.lt, this, other);
  }
  le(other: TensorLike): Tensor {
    return binary(elementwise.le, this, other);
  }
  gt(other: TensorLike): Tensor {
    return binary((a, b) => elementwise.lt(b, a), this, other);
  }
  ge(other: TensorLike): Tensor {
    return binary((a, b) => elementwise.le(b, a), this, other);
  }

  // ------------------------------------------------------------- dtype

  /** As another dtype: to i32 truncated, to u8 modulo 256. */
  to(dtype: DType): Tensor {
    return new Tensor(elementwise.cast(this.node, dtype));
  }
  float(): Tensor {
    return this.to("f32");
  }
  int(): Tensor {
    return this.to("i32");
  }
  byte(): Tensor {
    return this.to("u8");
  }

  // ------------------------------------------------------------- reductions

  /** Over all dimensions unless some are named. u8 adds up as i32. */
  sum(dim?: Dims, keepDim = false): Tensor {
    return new Tensor(reduce.sum(this.node, dim, keepDim));
  }
  mean(dim?: Dims, keepDim = false): Tensor {
    return new Tensor(reduce.mean(this.node, dim, keepDim));
  }
  /** The largest values (PyTorch's `amax`); their positions are `argmax`. */
  max(dim?: Dims, keepDim = false): Tensor {
    return new Tensor(reduce.amax(this.node, dim, keepDim));
  }
  min(dim?: Dims, keepDim = false): Tensor {
    // −1 − x turns all of i32 around; −x leaves the smallest number where it is
    const turned = (x: Tensor) => (x.dtype === "f32" ? x.neg() : x.neg().sub(1));
    return turned(turned(this).max(dim, keepDim));
  }
  /** The position of the first largest value, i32; in the flattened tensor if no dimension is named. */
  argmax(dim?: number, keepDim = false): Tensor {
    return new Tensor(reduce.argmax(this.node, dim, keepDim));
  }
  /** Divided by n − correction (1 by default: the unbiased estimate). */
  var(dim?: Dims, { correction = 1, keepDim = false } = {}): Tensor {
    return new Tensor(reduce.variance(this.node, dim, correction, keepDim));
  }
  /** The standard deviation: the root of `var`. */
  std(dim?: Dims, options: { correction?: number; keepDim?: boolean } = {}): Tensor {
    return this.var(dim, options).sqrt();
  }

  // ------------------------------------------------------------- linear algebra, softmax

  matmul(other: Tensor): Tensor {
    return new Tensor(matmul(this.node, other.node));
  }
  softmax(dim: number): Tensor {
    return new Tensor(softmax(this.node, dim));
  }
  logSoftmax(dim: number): Tensor {
    return new Tensor(logSoftmax(this.node, dim));
  }

  // ------------------------------------------------------------- shape

  /** The same elements in another shape; one dimension may be -1. */
  reshape(...shape: number[] | [Shape]): Tensor {
    return new Tensor(reshape(this.node, variadic(shape)));
  }
  /** PyTorch's `view`: here the same as reshape, which copies only where it must. */
  view(...shape: number[] | [Shape]): Tensor {
    return this.reshape(...shape);
  }
  /** Dimensions start to end (inclusive) as one. */
  flatten(start = 0, end = -1): Tensor {
    const rank = this.shape.length;
    if (rank === 0) return this.reshape(1);
    const [from, to] = [normalizeDim("flatten", start, rank), normalizeDim("flatten", end, rank)];
    if (from > to) throw new ArgumentError("flatten", `dimension ${start} comes after ${end}`);
    const middle = sizeOf(this.shape.slice(from, to + 1));
    return this.reshape([...this.shape.slice(0, from), middle, ...this.shape.slice(to + 1)]);
  }
  permute(...order: number[] | [Shape]): Tensor {
    return new Tensor(movement.permute(this.node, variadic(order)));
  }
  transpose(a: number, b: number): Tensor {
    const rank = this.shape.length;
    const [i, j] = [normalizeDim("transpose", a, rank), normalizeDim("transpose", b, rank)];
    return this.permute(this.shape.map((_, d) => (d === i ? j : d === j ? i : d)));
  }
  /** The transpose of a matrix. */
  get T(): Tensor {
    if (this.shape.length !== 2)
      throw new ShapeError(
        "T",
        `expects a matrix, got ${showShape(this.shape)}; use transpose(a, b)`,
        [this.shape],
      );
    return this.transpose(0, 1);
  }
  unsqueeze(dim: number): Tensor {
    const at = normalizeDim("unsqueeze", dim, this.shape.length + 1);
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }
  /** Without dimensions of size 1: all of them, or the one named. */
  squeeze(dim?: number): Tensor {
    const only = dim === undefined ? undefined : normalizeDim("squeeze", dim, this.shape.length);
    return this.reshape(this.shape.filter((n, d) => n !== 1 || (only !== undefined && d !== only)));
  }
  /** Repeats dimensions of size 1; -1 keeps a dimension. */
  expand(...shape: number[] | [Shape]): Tensor {
    const wanted = variadic(shape);
    const ahead = wanted.length - this.shape.length;
    return new Tensor(
      expand(
        this.node,
        wanted.map((n, d) => (n === -1 && d >= ahead ? this.shape[d - ahead]! : n)),
      ),
    );
  }
  /** A part of each dimension: `x.slice([0, 10], null, [null, null, 2])` is `x[0:10, :, ::2]`. */
  slice(...parts: SliceLike[]): Tensor {
    if (parts.length > this.shape.length)
      throw new ArgumentError(
        "slice",
        `${parts.length} ranges for ${this.shape.length} dimensions`,
      );
    const ranges = this.shape.map((n, d) => {
      const [start, end, step = 1] = parts[d] ?? [];
      if (!Number.isInteger(step) || step < 1)
        throw new ArgumentError("slice", `the step must be a whole number ≥ 1, got ${step}`);
      const bound = (value: number) => {
        if (Math.trunc(value) !== value)
          throw new ArgumentError("slice", `bounds must be whole numbers, got ${value}`);
        return Math.min(n, Math.max(0, value < 0 ? value + n : value));
      };
      return { start: bound(start ?? 0), end: bound(end ?? n), step };
    });
    return new Tensor(movement.slice(this.node, ranges));
  }
  /** One element of a dimension, which goes away: `x.select(0, i)` is `x[i]`. */
  select(dim: number, at: number): Tensor {
    const d = normalizeDim("select", dim, this.shape.length);
    const i = normalizeDim("select", at, this.shape[d]!);
    const parts = this.shape.map((_, e): SliceLike => (e === d ? [i, i + 1] : null));
    return this.slice(...parts).reshape(this.shape.filter((_, e) => e !== d));
  }
  /** `[left, right, top, bottom, …]`, from the last dimension on, as PyTorch's `F.pad`. */
  pad(amounts: readonly number[], value = 0): Tensor {
    const rank = this.shape.length;
    if (amounts.length % 2 !== 0 || amounts.length > 2 * rank)
      throw new ArgumentError(
        "pad",
        `expects a pair for each of at most ${rank} dimensions, got ${amounts.length} numbers`,
      );
    const side = (d: number, after: 0 | 1) => amounts[2 * (rank - 1 - d) + after] ?? 0;
    return new Tensor(
      movement.pad(
        this.node,
        this.shape.map((_, d) => side(d, 0)),
        this.shape.map((_, d) => side(d, 1)),
        value,
      ),
    );
  }

  // ------------------------------------------------------------- gradients

  /** The same value, as a constant for gradients. */
  detach(): Tensor {
    return new Tensor(detach(this.node));
  }

  /**
   * Inside compile(): adds d this / d p to `p.grad` of every parameter p that this scalar depends on.
   */
  backward(): void {
    const trace = requireTrace("backward");
    const states = [...trace.values.keys()].filter((state) => state.requiresGrad);
    const grads = gradients(
      this.node,
      states.map((state) => trace.values.get(state)!),
      trace.origins,
    );
    states.forEach((state, i) => {
      const g = grads[i];
      if (!g) return;
      const sofar = trace.gradients.get(state);
      trace.gradients.set(state, sofar ? elementwise.add(sofar, g) : g);
    });
  }
}

/** A number as a scalar that goes with `like`. */
export const lift = (value: TensorLike, like: Tensor): Node =>
  typeof value === "number"
    ? constant(value, like.dtype === "f32" || !Number.isInteger(value) ? "f32" : "i32")
    : value.node;

const unary = (op: (x: Node) => Node, x: Tensor) => new Tensor(op(x.node));
const binary = (op: (a: Node, b: Node) => Node, a: Tensor, b: TensorLike) =>
  new Tensor(op(a.node, lift(b, a)));
const variadic = (args: number[] | [Shape]): Shape =>
  typeof args[0] === "object" ? args[0] : (args as number[]);
