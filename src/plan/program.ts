// Elementwise nodes as one program: the nodes that have no memory of their own become instructions.

import type { Instruction, Source } from "../backends/kernels.js";
import type { Node, Type } from "../graph/node.js";
import { registerType, sourceOf, type Value } from "./values.js";

export interface ElementwiseProgram {
  readonly sources: readonly Source[];
  readonly instructions: readonly Instruction[];
  /** The one that holds the result. */
  readonly register: number;
}

/** The instructions that compute `node`, over the values that are stored. */
export function programOf(
  node: Node,
  stored: (node: Node) => Value | undefined,
): ElementwiseProgram {
  const sources: Source[] = [];
  const steps: { node: Node; args: Node[] }[] = [];
  const register = new Map<Node, number>();
  const inside = new Set<Node>();

  const visit = (x: Node): void => {
    if (register.has(x) || inside.has(x)) return;
    const value = stored(x);
    if (value) {
      register.set(x, sources.push(sourceOf(value, x, node.shape)) - 1);
      return;
    }
    inside.add(x);
    for (const input of x.inputs) visit(input);
    steps.push({ node: x, args: [...x.inputs] });
  };
  visit(node);

  const instructions: Instruction[] = [];
  for (const { node: x, args } of steps) {
    const { lower } = x.op;
    const bare = lower.kind === "elementwise" ? lower.instruction(x) : undefined;
    const registers = args.map((a) => register.get(a)!);
    if (!bare) {
      register.set(x, registers[0]!);
      continue;
    }
    register.set(x, sources.length + instructions.length);
    instructions.push({ ...bare, args: registers } as unknown as Instruction);
  }
  return { sources, instructions, register: register.get(node)! };
}

/** A number everywhere. */
export const constantProgram = (type: Type, value: number): ElementwiseProgram => ({
  sources: [{ kind: "constant", dtype: registerType(type), value }],
  instructions: [],
  register: 0,
});

/** The memory that a program reads. */
export const buffersOf = (sources: readonly Source[]) =>
  sources.flatMap((s) => (s.kind === "memory" ? [s.operand.buffer] : []));
