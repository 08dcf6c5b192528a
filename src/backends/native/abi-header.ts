// Renders abi.ts as C++: the text of native/abi.h. `node scripts/generate-abi.mjs` writes the file,
// and a test compares it.

import { createHash } from "node:crypto";
import { maxRank } from "../kernels.js";
import {
  enums,
  type Fields,
  type FieldType,
  fixedKernels,
  kernelFields,
  kernelNames,
  maxRegisters,
  maxResults,
  programKernels,
  structs,
} from "./abi.js";

/** The functions of the addon that binding.ts calls; raise it when one of them changes. */
const bindingVersion = 1;

/** Differs whenever the two sides would misunderstand each other. */
export const abiFingerprint: string = createHash("sha256")
  .update(
    JSON.stringify([
      bindingVersion,
      enums,
      structs,
      fixedKernels,
      programKernels,
      maxRegisters,
      maxResults,
    ]),
  )
  .digest("hex")
  .slice(0, 16);

/** Words that a struct takes, and where its operands start. */
function layout(fields: Fields): { words: number; operands: number[] } {
  let words = 0;
  const operands: number[] = [];
  for (const type of Object.values(fields)) {
    if (type === "Operand") operands.push(words);
    words += fieldWords(type);
  }
  return { words, operands };
}

function fieldWords(type: FieldType): number {
  if (type === "Operand" || type === "ConvGeometry" || type === "PoolGeometry") {
    return layout(structs[type]).words;
  }
  return Number(/\[(\d+)\]/.exec(type)?.[1] ?? 1);
}

const upperFirst = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

function renderEnum(name: keyof typeof enums): string {
  const { prefix, codes } = enums[name];
  const items = Object.entries(codes).map(([key, code]) => `${prefix}${upperFirst(key)} = ${code}`);
  return `enum ${name} : int64_t {\n  ${items.join(",\n  ")},\n};`;
}

function renderStruct(name: string, fields: Fields): string {
  const lines = Object.entries(fields).map(([field, type]) => {
    if (type === "Operand" || type.endsWith("Geometry")) return `  ${type} ${field};`;
    const length = /\[\d+\]/.exec(type)?.[0] ?? "";
    const comment = type in enums ? `  // ${type}` : "";
    return `  int64_t ${field}${length};${comment}`;
  });
  return [
    `struct ${name} {`,
    ...lines,
    "};",
    `static_assert(sizeof(${name}) == ${8 * layout(fields).words}, "${name}");`,
  ].join("\n");
}

/** The text of native/abi.h. */
export function abiHeader(): string {
  const names = kernelNames.map((name) => `kKernel${upperFirst(name)}`);
  const infos = kernelNames.map((name) => {
    const { words, operands } = layout(kernelFields(name));
    return `    {"${name}", ${words}, ${operands.length}, {${operands.join(", ")}}},`;
  });
  return `// The codes and packed structs that programs arrive in; 8-byte fields throughout.
// Written by scripts/generate-abi.mjs from src/backends/native/abi.ts: edit that, not this.
#pragma once
#include <cstdint>

#define FOVEA_ABI_FINGERPRINT "${abiFingerprint}"

namespace fovea {

constexpr int kMaxRank = ${maxRank};
constexpr int kMaxRegisters = ${maxRegisters};
constexpr int kMaxResults = ${maxResults};

${(Object.keys(enums) as (keyof typeof enums)[]).map(renderEnum).join("\n\n")}

${Object.entries(structs)
  .map(([name, fields]) => renderStruct(name, fields))
  .join("\n\n")}

${kernelNames.map((name) => renderStruct(`${upperFirst(name)}Args`, kernelFields(name))).join("\n\n")}

enum Kernel : int64_t {
  ${names.join(",\n  ")},
};

/** The words of a kernel's struct, and the words at which its operands start. */
struct KernelInfo {
  const char* name;
  int words, operandCount, operands[4];
};

constexpr int kKernelCount = ${kernelNames.length};
constexpr KernelInfo kKernels[kKernelCount] = {
${infos.join("\n")}
};

/** X(function, Args) for each kernel, in the order of their numbers. */
#define FOVEA_KERNELS(X) \\
${kernelNames.map((name) => `  X(${name}, ${upperFirst(name)}Args)`).join(" \\\n")}

}  // namespace fovea
`;
}
