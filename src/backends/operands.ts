// Which operands a call has, and which shape the strides of each follow: for all who look at calls
// without computing them. It says nothing of what a kernel does with them.

import type { DType } from "../graph/dtype.js";
import type {
  ConvGeometry,
  ElementwiseCall,
  KernelCall,
  Operand,
  PoolGeometry,
  Source,
} from "./kernels.js";

export interface OperandUse {
  /** Its name in the call: "x", "source 2", "result 0". */
  readonly name: string;
  readonly operand: Operand;
  readonly shape: readonly number[];
  readonly dtypes: readonly DType[];
  readonly isWritten: boolean;
  /** Whether it is read element for element, so that a result may take its place. */
  readonly isPointwise: boolean;
}

const any: readonly DType[] = ["f32", "i32", "u8"];
const f32: readonly DType[] = ["f32"];
const i32: readonly DType[] = ["i32"];
const position: readonly DType[] = ["u8", "i32"];

/** Every operand that is given, in the order of the call's fields. */
export function operandsOf(call: KernelCall): OperandUse[] {
  const uses: OperandUse[] = [];
  const read = (
    name: string,
    operand: Operand | undefined,
    shape: readonly number[],
    dtypes = f32,
    isPointwise = false,
  ): void => {
    if (operand) uses.push({ name, operand, shape, dtypes, isWritten: false, isPointwise });
  };
  const write = (
    name: string,
    operand: Operand | undefined,
    shape: readonly number[],
    dtypes = f32,
  ): void => {
    if (operand) uses.push({ name, operand, shape, dtypes, isWritten: true, isPointwise: false });
  };
  const readSources = (
    sources: readonly Source[],
    shape: readonly number[],
    isPointwise: boolean,
  ) => {
    for (const [i, source] of sources.entries())
      if (source.kind === "memory") read(`source ${i}`, source.operand, shape, any, isPointwise);
  };
  const writeResults = (results: ElementwiseCall["results"], shape: readonly number[]) => {
    for (const [i, result] of results.entries()) write(`result ${i}`, result.operand, shape, any);
  };

  switch (call.kernel) {
    case "elementwise":
    case "reduce":
      readSources(call.sources, call.shape, call.kernel === "elementwise");
      if (call.kernel === "elementwise") {
        writeResults(call.results, call.shape);
      } else {
        // 1 even for an empty axis: an empty reduction still writes its zero.
        const kept = call.shape.map((size, d) => (call.reduced[d] ? 1 : size));
        write("result", call.result, kept, any);
      }
      break;
    case "matmul": {
      const shape = [call.batch, call.m, call.n];
      read("a", call.a, [call.batch, call.m, call.k]);
      read("b", call.b, [call.batch, call.k, call.n]);
      read("bias", call.bias, [call.n]);
      write("c", call.c, shape);
      readSources(call.epilogue?.sources ?? [], shape, true);
      writeResults(call.epilogue?.results ?? [], shape);
      break;
    }
    case "conv2d": {
      const shapes = convShapes(call.geometry);
      read("x", call.x, shapes.x);
      read("w", call.w, shapes.w);
      read("bias", call.bias, [call.geometry.outChannels]);
      write("y", call.y, shapes.y);
      break;
    }
    case "conv2dGradInput": {
      const shapes = convShapes(call.geometry);
      read("gy", call.gy, shapes.y);
      read("w", call.w, shapes.w);
      read("mask", call.mask, shapes.x);
      write("gx", call.gx, shapes.x);
      break;
    }
    case "conv2dGradWeight": {
      const shapes = convShapes(call.geometry);
      read("x", call.x, shapes.x);
      read("gy", call.gy, shapes.y);
      write("gw", call.gw, shapes.w);
      write("gbias", call.gbias, [call.geometry.outChannels]);
      break;
    }
    case "maxPool2d": {
      const shapes = poolShapes(call.geometry);
      read("x", call.x, shapes.x);
      write("y", call.y, shapes.y);
      write("index", call.index, shapes.y, position);
      break;
    }
    case "maxPool2dGrad": {
      const shapes = poolShapes(call.geometry);
      read("gy", call.gy, shapes.y);
      read("index", call.index, shapes.y, position);
      write("gx", call.gx, shapes.x);
      break;
    }
    case "avgPool2d": {
      const shapes = poolShapes(call.geometry);
      read("x", call.x, shapes.x);
      write("y", call.y, shapes.y);
      break;
    }
    case "avgPool2dGrad": {
      const shapes = poolShapes(call.geometry);
      read("gy", call.gy, shapes.y);
      write("gx", call.gx, shapes.x);
      break;
    }
    case "crossEntropy":
      read("logits", call.logits, [call.rows, call.classes]);
      read("target", call.target, [call.rows], i32);
      write("loss", call.loss, [call.rows]);
      break;
    case "crossEntropyGrad":
      read("logits", call.logits, [call.rows, call.classes]);
      read("target", call.target, [call.rows], i32);
      read("g", call.g, [call.rows]);
      write("glogits", call.glogits, [call.rows, call.classes]);
      break;
  }
  return uses;
}

function convShapes(geometry: ConvGeometry): Record<"x" | "w" | "y", number[]> {
  const { batch, inChannels, outChannels, groups, inSize, outSize, kernelSize } = geometry;
  return {
    x: [batch, inChannels, ...inSize],
    w: [outChannels, inChannels / groups, ...kernelSize],
    y: [batch, outChannels, ...outSize],
  };
}

function poolShapes({
  batch,
  channels,
  inSize,
  outSize,
}: PoolGeometry): Record<"x" | "y", number[]> {
  return { x: [batch, channels, ...inSize], y: [batch, channels, ...outSize] };
}

/** Whether Winograd's minimal filtering can compute a convolution: see `ConvAlgorithm`. */
export function takesWinograd({ kernelSize: [height, width], ...g }: ConvGeometry): boolean {
  return (
    height === width &&
    (height === 3 || height === 5) &&
    [...g.stride, ...g.dilation].every((n) => n === 1)
  );
}

/** The operands that a call reads and those that it writes. */
export function readsAndWrites(call: KernelCall): { reads: Operand[]; writes: Operand[] } {
  const uses = operandsOf(call);
  return {
    reads: uses.filter((use) => !use.isWritten).map((use) => use.operand),
    writes: uses.filter((use) => use.isWritten).map((use) => use.operand),
  };
}

/** The lowest and the highest element that an operand touches; undefined if it touches none. */
export function extentOf(
  operand: Operand,
  shape: readonly number[],
): [low: number, high: number] | undefined {
  if (shape.includes(0)) return undefined;
  let [low, high] = [operand.offset, operand.offset];
  for (const [d, size] of shape.entries()) {
    const reach = (size - 1) * operand.strides[d]!;
    if (reach < 0) low += reach;
    else high += reach;
  }
  return [low, high];
}
