// Tensors as text, in PyTorch's style: `tensor([[1.0000, 2.5000], …])`.

import type { DType, TypedArray } from "./graph/dtype.js";
import { type Shape, sizeOf } from "./graph/shape.js";

/** Longer tensors show only the first and last `edge` of each dimension. */
const summarizeFrom = 1000;
const edge = 3;

export function formatTensor(data: TypedArray, shape: Shape, dtype: DType): string {
  const suffix = dtype === "f32" ? "" : `, dtype=${dtype}`;
  if (data.length === 0) return `tensor([], shape=[${shape.join(", ")}]${suffix})`;
  const summarize = sizeOf(shape) > summarizeFrom;
  const shownAt = (n: number): (number | "…")[] =>
    summarize && n > 2 * edge ? [...range(0, edge), "…", ...range(n - edge, n)] : range(0, n);

  const shown: number[] = [];
  const collect = (d: number, offset: number, stride: number): void => {
    if (d === shape.length) {
      shown.push(data[offset]!);
      return;
    }
    const inner = stride / shape[d]!;
    for (const i of shownAt(shape[d]!)) if (i !== "…") collect(d + 1, offset + i * inner, inner);
  };
  collect(0, 0, data.length);
  const write = numberWriter(shown, dtype);

  const text = (d: number, offset: number, stride: number): string => {
    if (d === shape.length) return write(data[offset]!);
    const inner = stride / shape[d]!;
    const parts = shownAt(shape[d]!).map((i) =>
      i === "…" ? "..." : text(d + 1, offset + i * inner, inner),
    );
    const rank = shape.length - d;
    const separator =
      rank === 1 ? ", " : `,${"\n".repeat(rank - 1)}${" ".repeat("tensor(".length + d + 1)}`;
    return `[${parts.join(separator)}]`;
  };
  return `tensor(${text(0, 0, data.length)}${suffix})`;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** All numbers of one tensor in one format and width. */
function numberWriter(values: readonly number[], dtype: DType): (value: number) => string {
  const finite = values.filter(Number.isFinite);
  let format: (value: number) => string;
  if (dtype !== "f32") format = String;
  else if (finite.every(Number.isInteger) && finite.every((v) => Math.abs(v) < 1e8))
    format = (v) => `${v}.`;
  else {
    const sizes = finite.filter((v) => v !== 0).map(Math.abs);
    const [largest, smallest] = [Math.max(...sizes), Math.min(...sizes)];
    const scientific = largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000;
    format = scientific
      ? (v) => v.toExponential(4).replace(/e([+-])(\d)$/, "e$10$2")
      : (v) => v.toFixed(4);
  }
  const written = (v: number) =>
    Number.isNaN(v) ? "nan" : Number.isFinite(v) ? format(v) : v > 0 ? "inf" : "-inf";
  const width = Math.max(...values.map((v) => written(v).length));
  return (v) => written(v).padStart(width);
}
