// The passes in their order: graph → simplify → absorb → take sums → lower → order → unite → take epilogues →
// choose algorithms → place in memory → program. A plan is data: it can be printed, checked and run by any
// backend.

import type { Traits } from "../backends/backend.js";
import type { BufferSpec, Program } from "../backends/kernels.js";
import type { Binding, Node } from "../graph/node.js";
import type { Origins } from "../graph/origins.js";
import type { State } from "../state.js";
import { absorb } from "./absorb.js";
import { chooseAlgorithms } from "./choose.js";
import { takeEpilogues } from "./epilogue.js";
import { type Draft, renumber } from "./ir.js";
import { lower } from "./lower.js";
import { placeInMemory } from "./memory.js";
import { orderCalls } from "./order.js";
import type { Roots } from "./places.js";
import { simplify } from "./simplify.js";
import { takeSums } from "./sums.js";
import { unite } from "./unite.js";
import { usesIn } from "./uses.js";

export interface Plan {
  readonly program: Program;
  /** What to bind to `RunBindings.inputs` and `.states`, in order. */
  readonly inputs: readonly Binding[];
  readonly states: readonly State[];
  /** Those of the states that a run changes. */
  readonly updated: readonly State[];
  /** The results, in order. */
  readonly outputs: readonly Node[];
}

/**
 * Plans the computation of `outputs` and of the new values of states, for a backend of these traits. The calls
 * say what they are for, as far as `origins` know.
 */
export function makePlan(roots: Roots, traits: Traits, origins?: Origins): Plan {
  const rewritten = rewrite(roots, origins, simplify, absorb, takeSums);
  const drafted = (inPlace: boolean) => orderCalls(lower(rewritten, inPlace, origins));
  const ordered = drafted(true) ?? drafted(false);
  if (!ordered) throw new Error("plan: calls depend on each other in a circle");
  const draft = takeEpilogues(unite(ordered));
  return {
    ...numberBuffers(chooseAlgorithms(draft, traits), traits),
    outputs: roots.outputs,
    updated: roots.updates.map(([state]) => state),
  };
}

type Pass = (roots: readonly Node[]) => (node: Node) => Node;

function rewrite(roots: Roots, origins: Origins | undefined, ...passes: readonly Pass[]): Roots {
  return passes.reduce((r, pass) => {
    const nodes = [...r.outputs, ...r.updates.map(([, node]) => node)];
    const replace = pass(nodes);
    origins?.carry(nodes, replace);
    return {
      outputs: r.outputs.map(replace),
      updates: r.updates.map(([state, node]) => [state, replace(node)] as const),
    };
  }, roots);
}

/** Gives buffers their final numbers: unused ones go, old and fresh states become one. */
function numberBuffers(
  draft: Draft,
  { apartBytes }: Traits,
): Pick<Plan, "program" | "inputs" | "states"> {
  const { offsets, arenaBytes } = placeInMemory(draft, usesIn(draft), apartBytes);
  const buffers: BufferSpec[] = [];
  const inputs: Binding[] = [];
  const states: State[] = [];
  const places = new Map<number, number>();
  const stateBuffers = new Map<State, number>();

  const place = (b: number): number => {
    const known = places.get(b);
    if (known !== undefined) return known;
    const buffer = draft.buffers[b]!;
    const { bytes } = buffer;
    let number: number;
    switch (buffer.kind) {
      case "temporary":
        number = buffers.push({ kind: "arena", offset: offsets.get(b)!, bytes }) - 1;
        break;
      case "input":
        number = buffers.push({ kind: "input", index: inputs.push(buffer.binding) - 1, bytes }) - 1;
        break;
      case "state": {
        const shared = stateBuffers.get(buffer.state);
        number =
          shared ??
          buffers.push({ kind: "state", index: states.push(buffer.state) - 1, bytes }) - 1;
        stateBuffers.set(buffer.state, number);
        break;
      }
      case "output":
        number = buffers.push({ kind: "output", index: buffer.index, bytes }) - 1;
        break;
    }
    places.set(b, number);
    return number;
  };
  const calls = draft.calls.map((call) => renumber(call, place));
  return { program: { buffers, arenaBytes, calls }, inputs, states };
}
