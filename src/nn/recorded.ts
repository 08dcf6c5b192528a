// Which layer makes which nodes, noted while a function is being recorded: see graph/origins.ts. Layers are
// named by their path in the outermost module that was called.

import { runtime } from "../runtime.js";
import { Tensor } from "../tensor.js";
import type { AnyModule } from "./module.js";

/** Calls a module's `forward`; what it makes is noted as the module's. */
export function recorded<R>(module: AnyModule, args: readonly unknown[], forward: () => R): R {
  const { trace } = runtime;
  if (!trace) return forward();
  const { origins, layers } = trace;
  const outer = layers.at(-1);
  const claim = (tree: unknown, layer: string) =>
    origins.claim(
      tensorsIn(tree).map((t) => t.node),
      { layer, pass: "forward" },
    );
  claim(args, outer?.name ?? "");
  const name = outer ? (pathIn(outer.module as AnyModule, module, outer.name) ?? outer.name) : "";
  layers.push({ module, name });
  try {
    const output = forward();
    claim(output, name);
    return output;
  } finally {
    layers.pop();
  }
}

/** The dotted name of a module that is somewhere inside another. */
function pathIn(outer: AnyModule, inner: AnyModule, prefix: string): string | undefined {
  for (const [name, module] of outer.namedModules(prefix)) if (module === inner) return name;
  return undefined;
}

/** All tensors of a tree of arrays and objects. */
export function tensorsIn(tree: unknown): Tensor[] {
  if (tree instanceof Tensor) return [tree];
  if (Array.isArray(tree)) return tree.flatMap(tensorsIn);
  return tree !== null && typeof tree === "object" ? Object.values(tree).flatMap(tensorsIn) : [];
}
