// Plans for tests: what a function of tensors becomes, with its parameters as states.

import type { Traits } from "../src/backends/backend.js";
import type { KernelCall } from "../src/backends/kernels.js";
import { operandsOf } from "../src/backends/operands.js";
import type { Node } from "../src/graph/node.js";
import { nn, Tensor, tensor } from "../src/index.js";
import { bound } from "../src/ops/leaf.js";
import { makePlan, type Plan } from "../src/plan/plan.js";
import { verify } from "../src/plan/verify.js";
import { runtime } from "../src/runtime.js";
import type { State } from "../src/state.js";
import { Trace } from "../src/trace.js";

/** Those of a machine that computes every convolution directly. */
const plainTraits: Traits = { lanes: 8, convolutions: ["direct"], apartBytes: 0 };

/** The sound plan of what `fn` records; it returns its results. */
export function planOf(fn: () => readonly Tensor[] | undefined, traits = plainTraits): Plan {
  const trace = new Trace(() => Int32Array.of(0, 0));
  runtime.trace = trace;
  try {
    const outputs: Node[] = (fn() ?? []).map((t) => t.node);
    const plan = makePlan({ outputs, updates: [...trace.updates] }, traits);
    const problems = verify(plan.program);
    if (problems.length > 0) throw new Error(problems.join("; "));
    return plan;
  } finally {
    runtime.trace = undefined;
  }
}

/** An argument of the plan. */
export const argument = (shape: readonly number[], position = 0): Tensor =>
  new Tensor(bound(shape, "f32", { kind: "argument", position }));

export const parameter = (values: number[] | number[][], name = "p"): nn.Parameter =>
  new nn.Parameter(tensor(values), name);

export const kernels = ({ program }: Plan): string[] => program.calls.map((call) => call.kernel);

/** What each call does, in short: its kernel, or the instructions of its program. */
export const programs = ({ program }: Plan): string[] => program.calls.map(short);

function short(call: KernelCall): string {
  const steps = "instructions" in call ? call.instructions.map((i) => i.op) : [];
  switch (call.kernel) {
    case "elementwise":
      return steps.join(" ") || "copy";
    case "reduce":
      return [...steps, call.op].join(" ");
    case "matmul":
      if (call.epilogue)
        return ["matmul", ...call.epilogue.instructions.map((i) => i.op)].join(" ");
      return call.activation !== "none" ? `matmul+${call.activation}` : "matmul";
    default:
      return "activation" in call && call.activation !== "none"
        ? `${call.kernel}+${call.activation}`
        : call.kernel;
  }
}

/** Calls that write to this state. */
export function writers({ program, states }: Plan, state: State): KernelCall[] {
  const index = states.indexOf(state);
  const buffer = program.buffers.findIndex((b) => b.kind === "state" && b.index === index);
  return program.calls.filter(
    (call) =>
      ("results" in call || "epilogue" in call) &&
      operandsOf(call).some((use) => use.isWritten && use.operand.buffer === buffer),
  );
}
