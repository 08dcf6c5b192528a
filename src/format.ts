// Tensors as text, as PyTorch prints them: `tensor([[1.0000, 2.5000], …])`.

import type { DType, TypedArray } from "./graph/dtype.js";
import { type Shape, sizeOf } from "./graph/shape.js";

/** Longer tensors show only the first and last `edge` of each dimension. */
const summarizeFrom = 1000;
const edge = 3;
const lineWidth = 80;
const prefix = "tensor(";

export function formatTensor(data: TypedArray, shape: Shape, dtype: DType): string {
  const suffix = dtype === "f32" ? "" : `, dtype=${dtype}`;
  if (data.length === 0) {
    const size = shape.length === 1 ? "" : `, shape=[${shape.join(", ")}]`;
    return `${prefix}[]${size}${suffix})`;
  }
  const summarize = sizeOf(shape) > summarizeFrom;
  const shownAt = (n: number): (number | "...")[] =>
    summarize && n > 2 * edge ? [...range(0, edge), "...", ...range(n - edge, n)] : range(0, n);

  const shown: number[] = [];
  const collect = (d: number, offset: number, stride: number): void => {
    if (d === shape.length) {
      shown.push(data[offset]!);
      return;
    }
    const inner = stride / shape[d]!;
    for (const i of shownAt(shape[d]!)) if (i !== "...") collect(d + 1, offset + i * inner, inner);
  };
  collect(0, 0, data.length);
  const { write, width } = numberWriter(shown, dtype);

  const text = (d: number, offset: number, stride: number): string => {
    if (d === shape.length) return write(data[offset]!);
    const inner = stride / shape[d]!;
    const indent = " ".repeat(prefix.length + d + 1);
    const last = d === shape.length - 1;
    const parts = shownAt(shape[d]!).map((i) =>
      i === "..." ? (last ? " ..." : i) : text(d + 1, offset + i * inner, inner),
    );
    if (!last) return `[${parts.join(`,${"\n".repeat(shape.length - 1 - d)}${indent}`)}]`;
    const perLine = Math.max(1, Math.floor((lineWidth - prefix.length - d) / (width + 2)));
    const lines = range(0, Math.ceil(parts.length / perLine)).map((line) =>
      parts.slice(line * perLine, (line + 1) * perLine).join(", "),
    );
    return `[${lines.join(`,\n${indent}`)}]`;
  };
  return `${prefix}${text(0, 0, data.length)}${suffix})`;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** All numbers of one tensor in one format; their width is that of the finite ones that are not 0. */
function numberWriter(
  values: readonly number[],
  dtype: DType,
): { write: (value: number) => string; width: number } {
  const counted =
    dtype === "f32" ? values.filter((v) => v !== 0 && Number.isFinite(v)) : [...values];
  const format = dtype === "f32" ? floatFormat(counted) : String;
  const width = Math.max(1, ...counted.map((v) => format(v).length));
  const written = (v: number) =>
    Number.isNaN(v) ? "nan" : Number.isFinite(v) ? format(v) : v > 0 ? "inf" : "-inf";
  return { width, write: (v) => written(v).padStart(width) };
}

/** Whole numbers as `12.`, others with 4 decimals; with an exponent where sizes differ too much. */
function floatFormat(values: readonly number[]): (value: number) => string {
  const sizes = values.map(Math.abs);
  const [largest, smallest] = [Math.max(...sizes), Math.min(...sizes)];
  const whole = values.every(Number.isInteger);
  const sign = (v: number) => (Object.is(v, -0) ? "-" : "");
  if (largest > 1e8 || largest / smallest > 1000 || (!whole && smallest < 1e-4)) {
    return (v) =>
      sign(v) +
      evenHalf(v.toExponential(4), v.toExponential(100)).replace(/e([+-])(\d)$/, "e$10$2");
  }
  if (whole) return (v) => `${sign(v)}${v}.`;
  return (v) => sign(v) + evenHalf(v.toFixed(4), v.toFixed(100));
}

/** Exact halves go to the even digit, as in C, where JavaScript rounds them up. */
function evenHalf(rounded: string, exact: string): string {
  const [, even, exponent = ""] = /^(-?\d+\.\d{3}[02468])50*(e.*)?$/.exec(exact) ?? [];
  return even === undefined ? rounded : even + exponent;
}
