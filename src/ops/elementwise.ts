// One instruction on every element. All inputs have the result's shape: broadcasting is a view (see
// broadcast.ts), whose gradient is a sum, so that no gradient here has to think about it.

import type { UnaryOp } from "../backends/kernels.js";
import { DTypeError } from "../errors.js";
import type { DType } from "../graph/dtype.js";
import { make, type Node, type Op } from "../graph/node.js";
import { broadcastShapes } from "../graph/shape.js";
import { expand } from "./broadcast.js";
import { constant } from "./leaf.js";

type Gradient = (g: Node, x: Node, y: Node) => Node | undefined;

// ---------------------------------------------------------------- one argument

function unary(name: UnaryOp, gradient: Gradient, integers = false): Op<null> {
  return {
    name,
    infer: ([x]) => {
      if (x!.dtype !== "f32" && !(integers && x!.dtype === "i32")) {
        throw new DTypeError(name, `expects f32, got ${x!.dtype}; convert it with .float()`);
      }
      return { shape: x!.shape, dtype: x!.dtype };
    },
    gradient: (g, node) => [gradient(g, node.inputs[0]!, node)],
    lower: {
      kind: "elementwise",
      instruction: ({ dtype }) => ({ op: name, dtype: dtype as "f32" | "i32" }),
    },
  };
}

const like = (x: Node, value: number) => constant(value, x.dtype);

/** Every unary op with its gradient: what x receives, given g for y = op(x). */
const unaryOps: Record<UnaryOp, Op<null>> = {
  neg: unary("neg", (g) => neg(g), true), //                    d(-x)       = -dx
  abs: unary(
    "abs",
    (g, x) => where(lt(x, like(x, 0)), neg(g), where(eq(x, like(x, 0)), like(x, 0), g)),
    true,
  ),
  exp: unary("exp", (g, _, y) => mul(g, y)), //                 d(e^x)      = e^x dx
  log: unary("log", (g, x) => div(g, x)), //                    d(log x)    = dx / x
  sqrt: unary("sqrt", (g, _, y) => div(g, mul(like(y, 2), y))), // d(√x)    = dx / (2 √x)
  sin: unary("sin", (g, x) => mul(g, cos(x))), //               d(sin x)    = cos x dx
  cos: unary("cos", (g, x) => neg(mul(g, sin(x)))), //          d(cos x)    = -sin x dx
  tanh: unary("tanh", (g, _, y) => mul(g, sub(like(y, 1), mul(y, y)))), // d(tanh x) = (1 - tanh² x) dx
  sigmoid: unary("sigmoid", (g, _, y) => mul(g, mul(y, sub(like(y, 1), y)))), // dσ = σ (1 - σ) dx
  // d(erf x) = 2/√π · e^(-x²) dx
  erf: unary("erf", (g, x) => mul(g, mul(like(x, 2 / Math.sqrt(Math.PI)), exp(neg(mul(x, x)))))),
  floor: unary("floor", () => undefined),
  relu: unary("relu", (g, _, y) => maskPositive(g, y)), // dx but where the result is ≤ 0
};

export const neg = (x: Node): Node => make(unaryOps.neg, [numeric(x)], null);
export const abs = (x: Node): Node => make(unaryOps.abs, [numeric(x)], null);
export const exp = (x: Node): Node => make(unaryOps.exp, [float(x)], null);
export const log = (x: Node): Node => make(unaryOps.log, [float(x)], null);
export const sqrt = (x: Node): Node => make(unaryOps.sqrt, [float(x)], null);
export const sin = (x: Node): Node => make(unaryOps.sin, [float(x)], null);
export const cos = (x: Node): Node => make(unaryOps.cos, [float(x)], null);
export const tanh = (x: Node): Node => make(unaryOps.tanh, [float(x)], null);
export const sigmoid = (x: Node): Node => make(unaryOps.sigmoid, [float(x)], null);
export const erf = (x: Node): Node => make(unaryOps.erf, [float(x)], null);
export const floor = (x: Node): Node => make(unaryOps.floor, [float(x)], null);
export const relu = (x: Node): Node => make(unaryOps.relu, [x], null);

/**
 * 0 where y ≤ 0, else g (also where y is NaN, as PyTorch has it); applied before a gradient that g has
 * been routed through, where that is the same.
 */
function maskPositive(g: Node, y: Node): Node {
  const route = g.op.route?.(g);
  if (route?.far === y) return route.of(maskPositive(g.inputs[0]!, route.near));
  return where(le(y, like(y, 0)), like(y, 0), g);
}

/** Whether a node is a plain activation that kernels can apply to their result. */
export const isRelu = (node: Node): boolean => node.op === (unaryOps.relu as Op);

/** If a node is 0 where some y ≤ 0 and else some g, as the gradient of a ReLU is: these two. */
export function reluGradientOf(node: Node): { readonly g: Node; readonly y: Node } | undefined {
  if (node.op !== (selectOp as Op)) return undefined;
  const [condition, zero, g] = node.inputs as [Node, Node, Node];
  const truth = condition.op === (castOp as Op) ? condition.inputs[0]! : condition;
  if (truth.op !== (compareOps.le as Op) || !isNumber(zero, 0)) return undefined;
  const [y, bound] = truth.inputs as [Node, Node];
  return isNumber(bound, 0) && y.dtype === "f32" && g.dtype === "f32" ? { g, y } : undefined;
}

// ---------------------------------------------------------------- two arguments

type BinaryName = "add" | "sub" | "mul" | "div" | "max" | "min" | "pow";
type BinaryGradient = (g: Node, a: Node, b: Node, y: Node) => [Node | undefined, Node | undefined];

function binary(
  name: BinaryName,
  gradient: BinaryGradient,
  simplify?: Op<null>["simplify"],
): Op<null> {
  return {
    name,
    infer: ([a]) => ({ shape: a!.shape, dtype: a!.dtype }),
    gradient: (g, node) => gradient(g, node.inputs[0]!, node.inputs[1]!, node),
    ...(simplify && { simplify }),
    lower: {
      kind: "elementwise",
      instruction: ({ dtype }) => ({ op: name, dtype: dtype as "f32" | "i32" }),
    },
  };
}

/** The larger (or smaller) side receives the gradient; both receive half of it where they are equal. */
const ofLarger =
  (aWins: (a: Node, b: Node) => Node): BinaryGradient =>
  (g, a, b) => {
    const half = mul(g, constant(0.5));
    const zero = constant(0);
    const tie = eq(a, b);
    return [
      where(tie, half, where(aWins(a, b), g, zero)),
      where(tie, half, where(aWins(a, b), zero, g)),
    ];
  };

const binaryOps: Record<BinaryName, Op<null>> = {
  add: binary(
    "add",
    (g) => [g, g],
    ({ inputs: [a, b] }) => (isNumber(b!, 0) ? a : isNumber(a!, 0) ? b : undefined),
  ),
  sub: binary(
    "sub",
    (g) => [g, neg(g)],
    ({ inputs: [a, b] }) => (isNumber(b!, 0) ? a : undefined),
  ),
  mul: binary(
    "mul",
    (g, a, b) => [mul(g, b), mul(g, a)],
    ({ inputs: [a, b] }) => (isNumber(b!, 1) ? a : isNumber(a!, 1) ? b : undefined),
  ),
  // d(a/b) = da/b - a/b · db/b
  div: binary(
    "div",
    (g, _, b, y) => [div(g, b), neg(div(mul(g, y), b))],
    ({ inputs: [a, b] }) => (isNumber(b!, 1) ? a : undefined),
  ),
  max: binary(
    "max",
    ofLarger((a, b) => lt(b, a)),
  ),
  min: binary(
    "min",
    ofLarger((a, b) => lt(a, b)),
  ),
  // d(a^b) = b a^(b-1) da + a^b log a db, where a^b log a is 0 at a = 0 for b > 0 (as PyTorch has it)
  pow: binary("pow", (g, a, b, y) => [
    where(eq(b, constant(0)), constant(0), mul(g, mul(b, pow(a, sub(b, constant(1)))))),
    where(eq(a, constant(0)), constant(0), mul(g, mul(y, log(a)))),
  ]),
};

export const add = (a: Node, b: Node): Node => make(binaryOps.add, matched("add", a, b), null);
export const sub = (a: Node, b: Node): Node => make(binaryOps.sub, matched("sub", a, b), null);
export const mul = (a: Node, b: Node): Node => make(binaryOps.mul, matched("mul", a, b), null);
export const div = (a: Node, b: Node): Node =>
  make(binaryOps.div, matched("div", float(a), float(b)), null);
export const maximum = (a: Node, b: Node): Node =>
  make(binaryOps.max, matched("maximum", a, b), null);
export const minimum = (a: Node, b: Node): Node =>
  make(binaryOps.min, matched("minimum", a, b), null);
export const pow = (a: Node, b: Node): Node =>
  make(binaryOps.pow, matched("pow", float(a), float(b)), null);

// ---------------------------------------------------------------- comparison, selection, conversion

type CompareName = "eq" | "ne" | "lt" | "le";

const compare = (name: CompareName): Op<null> => ({
  name,
  infer: ([a]) => ({ shape: a!.shape, dtype: "u8" }),
  lower: {
    kind: "elementwise",
    instruction: ({ inputs: [a] }) => ({ op: name, dtype: a!.dtype as "f32" | "i32" }),
  },
});

const compareOps = { eq: compare("eq"), ne: compare("ne"), lt: compare("lt"), le: compare("le") };

/** 1 where true, else 0, as u8. A comparison with NaN is false, `ne` excepted. */
export const eq = (a: Node, b: Node): Node => make(compareOps.eq, matched("eq", a, b), null);
export const ne = (a: Node, b: Node): Node => make(compareOps.ne, matched("ne", a, b), null);
export const lt = (a: Node, b: Node): Node => make(compareOps.lt, matched("lt", a, b), null);
export const le = (a: Node, b: Node): Node => make(compareOps.le, matched("le", a, b), null);

const selectOp: Op<null> = {
  name: "where",
  infer: ([, a]) => ({ shape: a!.shape, dtype: a!.dtype }),
  gradient: (g, { inputs: [condition] }) => [
    undefined,
    where(condition!, g, constant(0)),
    where(condition!, constant(0), g),
  ],
  lower: {
    kind: "elementwise",
    instruction: ({ dtype }) => ({ op: "select", dtype: dtype as "f32" | "i32" }),
  },
};

/** `a` where the condition is not 0, else `b`. */
export function where(condition: Node, a: Node, b: Node): Node {
  const truth = condition.dtype === "f32" ? ne(condition, constant(0)) : condition;
  const [x, y] = matched("where", a, b) as [Node, Node];
  const shape = broadcastShapes("where", truth.shape, x.shape);
  return make(
    selectOp,
    [expand(cast(truth, "i32"), shape), expand(x, shape), expand(y, shape)],
    null,
  );
}

const castOp: Op<{ to: DType }> = {
  name: "cast",
  infer: ([x], { to }) => ({ shape: x!.shape, dtype: to }),
  gradient: (g, { inputs: [x] }) => [x!.dtype === "f32" ? g : undefined],
  lower: {
    kind: "elementwise",
    // u8 lives in registers as i32: between the two there is nothing to do but to store 8 bits
    stored: ({ to }) => to === "u8",
    instruction: ({ inputs: [x], attrs: { to } }) =>
      to === "f32"
        ? { op: "toF32", dtype: "i32" }
        : x!.dtype === "f32"
          ? { op: "toI32", dtype: "f32" }
          : undefined,
  },
};

/** The same numbers as another dtype: to f32 rounded to nearest, to i32 truncated, to u8 modulo 256. */
export function cast(x: Node, to: DType): Node {
  if (x.dtype === to) return x;
  const number = constantValue(x);
  if (number !== undefined)
    return expand(
      constant(x.dtype === "f32" || to === "f32" ? Math.fround(number) : number, to),
      x.shape,
    );
  return make(castOp, [x], { to });
}

const float = (x: Node): Node => cast(x, "f32");
const numeric = (x: Node): Node => (x.dtype === "u8" ? cast(x, "i32") : x);

/** Both as one dtype (f32 if either is, else i32) and one shape. */
function matched(op: string, a: Node, b: Node): readonly Node[] {
  const dtype = a.dtype === "f32" || b.dtype === "f32" ? "f32" : "i32";
  const shape = broadcastShapes(op, a.shape, b.shape);
  return [expand(cast(a, dtype), shape), expand(cast(b, dtype), shape)];
}

/** The number that a node is at every element, if that is known. */
export function constantValue(node: Node): number | undefined {
  if (node.op.lower.kind === "leaf") {
    const leaf = node.op.lower.leaf(node.attrs);
    return leaf.kind === "constant" ? leaf.value : undefined;
  }
  return node.op.lower.kind === "view" ? constantValue(node.inputs[0]!) : undefined;
}

const isNumber = (node: Node, value: number) => constantValue(node) === value;
