// First pass, graph → graph: equal nodes become one node, and each op's own simplifications apply.

import { make, type Node, topological } from "../graph/node.js";

/** A function from old nodes to simpler nodes of the same value, for all that `roots` depend on. */
export function simplify(roots: readonly Node[]): (node: Node) => Node {
  const replaced = new Map<Node, Node>();
  const known = new Map<string, Node>();
  const numbers = new Map<unknown, number>();
  const number = (thing: unknown): number => {
    const n = numbers.get(thing) ?? numbers.size;
    numbers.set(thing, n);
    return n;
  };

  for (const node of topological(roots)) {
    const inputs = node.inputs.map((x) => replaced.get(x)!);
    const changed = inputs.some((x, i) => x !== node.inputs[i]);
    const current = changed ? make(node.op, inputs, node.attrs) : node;
    const simpler = current.op.simplify?.(current);
    if (simpler) {
      replaced.set(node, simpler);
      continue;
    }
    const { lower } = current.op;
    // bound leaves stand for something outside and are told apart by identity
    const attrs =
      lower.kind === "leaf" && lower.leaf(current.attrs).kind === "bound"
        ? number(node)
        : JSON.stringify(current.attrs, exactNumbers);
    const key = `${number(current.op)}(${inputs.map(number).join()})${attrs}`;
    const twin = known.get(key);
    if (!twin) known.set(key, current);
    replaced.set(node, twin ?? current);
  }
  return (node) => replaced.get(node)!;
}

/** JSON has no NaN, no infinities and no −0: they must not be taken for one another. */
const exactNumbers = (_: string, value: unknown) =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? "-0" : value}`
    : value;
