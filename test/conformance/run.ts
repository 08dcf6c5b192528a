// One kernel call on one backend: how the conformance suite, and a backend's own tests, ask "what
// does this call compute?". Every buffer is bound as a state, so that results, and whatever lies
// between and around them, can all be read back.

import type { Backend } from "../../src/backends/backend.js";
import type { KernelCall, Operand } from "../../src/backends/kernels.js";
import { openReference } from "../../src/backends/reference/index.js";
import { byteSize, dtypeOf, type TypedArray, viewArray } from "../../src/graph/dtype.js";

/** A call, and what its buffers hold before it runs. */
export interface OneCall {
  readonly call: KernelCall;
  readonly buffers: readonly TypedArray[];
}

/** What a buffer holds in the float64 oracle. */
export type OracleArray = Float64Array<ArrayBuffer> | TypedArray;

const oracle = openReference({ precision: "f64" });

/** What all buffers hold after the call. */
export async function runCall(backend: Backend, { call, buffers }: OneCall): Promise<TypedArray[]> {
  const { states, run, dispose } = await bind(backend, { call, buffers });
  try {
    await run();
    const contents = await Promise.all(states.map((state) => backend.read(state)));
    return contents.map((content, at) => viewArray(dtypeOf(buffers[at]!), content));
  } finally {
    dispose();
  }
}

/** What all buffers hold after the call if its f32 arithmetic is done in float64. */
export async function runOracle({ call, buffers }: OneCall): Promise<OracleArray[]> {
  const { states, run, dispose } = await bind(oracle, { call, buffers });
  await run();
  const contents = states.map(async (state, at): Promise<OracleArray> => {
    const dtype = dtypeOf(buffers[at]!);
    return dtype === "f32" ? oracle.readFloat64(state) : viewArray(dtype, await oracle.read(state));
  });
  const results = await Promise.all(contents);
  dispose();
  return results;
}

async function bind(backend: Backend, { call, buffers }: OneCall) {
  const states = buffers.map((data) => backend.allocate(data.byteLength));
  await Promise.all(states.map((state, at) => backend.write(state, buffers[at]!)));
  const executable = backend.load({
    buffers: buffers.map((data, index) => ({ kind: "state", index, bytes: data.byteLength })),
    arenaBytes: 0,
    calls: [call],
  });
  return {
    states,
    run: () => executable.run({ inputs: [], states }),
    dispose: () => {
      executable.dispose();
      for (const state of states) state.dispose();
    },
  };
}

/** An operand over a whole buffer, dense and row-major. */
export function dense(buffer: number, data: TypedArray, shape: readonly number[]): Operand {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= shape[d]!;
  }
  if (step * byteSize[dtypeOf(data)] !== data.byteLength) {
    throw new Error(`buffer ${buffer} has ${data.length} elements, shape [${shape}] ${step}`);
  }
  return { buffer, dtype: dtypeOf(data), offset: 0, strides };
}
