// Functions of tensors in float64: the same plan as everywhere, on the reference backend in double
// precision, loaded once and run on as many inputs as a finite difference takes.

import type { DeviceBuffer } from "../../../src/backends/backend.js";
import type { KernelCall } from "../../../src/backends/kernels.js";
import { openReference } from "../../../src/backends/reference/index.js";
import { byteSize, emptyArray } from "../../../src/graph/dtype.js";
import { sizeOf } from "../../../src/graph/shape.js";
import { bound } from "../../../src/ops/leaf.js";
import { makePlan, type Plan } from "../../../src/plan/plan.js";
import { verify } from "../../../src/plan/verify.js";
import { Tensor } from "../../../src/tensor.js";
import type { Input } from "./values.js";

export type Build = (...inputs: Tensor[]) => readonly Tensor[];
type Values = readonly (readonly number[])[];

const oracle = openReference({ precision: "f64" });

export interface Function64 {
  readonly plan: Plan;
  readonly shapes: readonly (readonly number[])[];
  /** One array for each result. */
  (values: Values): Promise<Float64Array[]>;
}

/** The function that `build` describes, for inputs of these shapes. */
export async function inFloat64(build: Build, inputs: readonly Input[]): Promise<Function64> {
  const args = inputs.map(
    ({ shape, dtype }, position) => new Tensor(bound(shape, dtype, { kind: "argument", position })),
  );
  const results = build(...args);
  const plan = makePlan({ outputs: results.map((t) => t.node), updates: [] }, oracle.traits);
  const problems = verify(plan.program);
  if (problems.length > 0) throw new Error(`unsound program: ${problems.join("; ")}`);
  const executable = oracle.load(plan.program);
  const buffers = inputs.map(({ shape, dtype }) =>
    oracle.allocate(sizeOf(shape) * byteSize[dtype]),
  );

  const run = async (values: Values): Promise<Float64Array[]> => {
    await Promise.all(values.map((v, i) => put(buffers[i]!, inputs[i]!, v)));
    const bindings = plan.inputs.map((binding) => {
      if (binding.kind === "argument") return buffers[binding.position]!;
      if (binding.kind === "host") return binding.data;
      throw new Error(`a case must not depend on a ${binding.kind}`);
    });
    const { outputs } = await executable.run({ inputs: bindings, states: [] });
    return Promise.all(outputs.map((buffer, i) => get(buffer, results[i]!)));
  };
  return Object.assign(run, { plan, shapes: results.map((t) => t.shape) });
}

function put(buffer: DeviceBuffer, { dtype }: Input, values: readonly number[]): Promise<void> {
  if (dtype === "f32") return oracle.writeFloat64(buffer, Float64Array.from(values));
  const data = emptyArray(dtype, values.length);
  data.set(values);
  return oracle.write(buffer, data);
}

async function get(buffer: DeviceBuffer, { dtype }: Tensor): Promise<Float64Array> {
  if (dtype === "f32") return oracle.readFloat64(buffer);
  const bytes = await oracle.read(buffer);
  return Float64Array.from(dtype === "i32" ? new Int32Array(bytes) : new Uint8Array(bytes));
}

/** The most roundings that a result of the plan has behind it, each of at most half an ulp. */
export function roundings(plan: Plan): number {
  return plan.program.calls.reduce((sum, call) => sum + roundingsOf(call), 0);
}

/** The functions of f32 are within 8 ulp, that is 16 roundings (pow; see elementwise.cases.ts). */
const perInstruction = 16;

function roundingsOf(call: KernelCall): number {
  switch (call.kernel) {
    case "elementwise":
      return perInstruction * call.instructions.length;
    case "reduce": {
      const terms = sizeOf(call.shape.filter((_, d) => call.reduced[d]));
      return perInstruction * call.instructions.length + terms;
    }
    case "matmul":
      return call.k + 2;
    case "conv2d":
    case "conv2dGradInput":
    case "conv2dGradWeight": {
      const { batch, inChannels, outChannels, groups, kernelSize, outSize } = call.geometry;
      return call.kernel === "conv2dGradWeight"
        ? batch * sizeOf(outSize) + 2
        : (Math.max(inChannels, outChannels) / groups) * sizeOf(kernelSize) + 2;
    }
    case "crossEntropy":
    case "crossEntropyGrad":
      return perInstruction * 2 + call.classes;
    default:
      return sizeOf(call.geometry.kernelSize) + 2;
  }
}
