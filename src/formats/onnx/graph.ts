// An ONNX graph, built from a network's nodes: names, initializers, operators in order. What each node
// becomes is express.ts's, how all of it is written is proto.ts's.

import type { Node, StateLike } from "../../graph/node.js";
import type { Network } from "../../nn/outputs.js";
import { bindingOf } from "../../ops/leaf.js";
import { runtime } from "../../runtime.js";
import { express } from "./express.js";
import {
  type Attributes,
  castTo,
  type Expression,
  isNode,
  isNumbers,
  type Numbers,
  OnnxError,
  onnxType,
} from "./expression.js";
import {
  type Dim,
  type Initializer,
  numbersOf,
  type OnnxGraph,
  type OnnxNode,
  type OnnxValue,
  tensorOf,
} from "./model.js";
import { differing, type Recording, Twins } from "./recording.js";

export class GraphBuilder {
  readonly #twins = new Twins();
  /** What each node is called that has been built. */
  readonly #names = new Map<Node, string>();
  /** Names that are taken, with how often each was asked for. */
  readonly #taken = new Map<string, number>();
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #values: OnnxValue[] = [];
  /** Names of numbers, by what they are. */
  readonly #numbers = new Map<string, string>();
  /** Names of parameters and buffers: those of the state dict, and of others that have been met. */
  readonly #stateNames = new Map<object, string>();
  readonly #written = new Set<string>();
  /** Layers of nodes that were made while building. */
  readonly #layers = new Map<Node, string>();
  #batch: string | undefined;

  constructor(
    net: Network,
    private readonly recordings: readonly [Recording, Recording],
    private readonly inputName: string,
    private readonly outputName: string,
  ) {
    for (const name of [inputName, outputName]) this.#taken.set(name, 1);
    for (const [name, { state }] of net.namedStates()) {
      if (!this.#stateNames.has(state)) this.#stateNames.set(state, this.#unique(name));
    }
  }

  finish(): OnnxGraph {
    const [{ input, output }, second] = this.recordings;
    this.#twins.pair(output, second.output);
    if (!this.#isFixed) this.#twins.pair(input, second.input);
    this.#names.set(input, this.inputName);
    this.#build(output);
    const result = this.#names.get(output)!;
    const made = this.#nodes.some((node) => node.output === result);
    if (!made) this.#add("Identity", [result], {}, "");
    const from = made ? result : this.#nodes.at(-1)!.output;
    const rename = (name: string) => (name === from ? this.outputName : name);
    return {
      input: { ...this.#value(input), name: this.inputName },
      output: { ...this.#value(output), name: this.outputName },
      nodes: this.#nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(rename),
        output: rename(node.output),
      })),
      initializers: this.#initializers,
      values: this.#values.filter(({ name }) => name !== from),
    };
  }

  get #isFixed(): boolean {
    return this.recordings[0] === this.recordings[1];
  }

  /** Builds what `root` needs, and it: without recursion, since networks can be deep. */
  #build(root: Node): void {
    const stack: { readonly node: Node; readonly parts?: readonly [Expression, Expression] }[] = [
      { node: root },
    ];
    for (let top = stack.pop(); top; top = stack.pop()) {
      const { node, parts } = top;
      if (this.#names.has(node)) continue;
      if (parts) {
        const name = this.#emit(...parts, node);
        this.#names.set(node, name);
        if (!isNode(parts[0]) && this.#nodes.at(-1)?.output === name)
          this.#values.push({ ...this.#value(node), name });
      } else if (bindingOf(node)) {
        this.#names.set(node, this.#leaf(node));
      } else {
        const twin = this.#twins.of(node);
        const layer = this.#layerOf(node);
        const found = [express(node, layer), express(twin, layer)] as const;
        stack.push({ node, parts: found });
        for (const x of this.#nodesOf(...found, node).reverse()) stack.push({ node: x });
      }
    }
  }

  /** The nodes of an expression, which are paired with those of the other one. */
  #nodesOf(a: Expression, b: Expression, of: Node): Node[] {
    if (isNode(a) && isNode(b)) {
      this.#twins.pair(a, b);
      if (!this.recordings[0].origins.of(a)) this.#layers.set(a, this.#layerOf(of));
      return [a];
    }
    if (isNode(a) || isNode(b)) throw differing(of.op.name, this.#layerOf(of));
    if (isNumbers(a) || isNumbers(b)) return [];
    return a.inputs.flatMap((x, i) => {
      const y = b.inputs[i];
      if (!y) throw differing(of.op.name, this.#layerOf(of));
      return this.#nodesOf(x, y, of);
    });
  }

  /** The name of what an expression gives; of the node whose it is, the layer is known. */
  #emit(a: Expression, b: Expression, of: Node): string {
    if (isNode(a)) return this.#names.get(a)!;
    const layer = this.#layerOf(of);
    if (isNumbers(a)) {
      if (isNumbers(b) && a.values.length === b.values.length) return this.#known(a, b.values, of);
      throw differing(of.op.name, layer);
    }
    if (isNode(b) || isNumbers(b) || a.operator !== b.operator || !sameAttributes(a, b))
      throw differing(of.op.name, layer);
    const inputs = a.inputs.map((x, i) => {
      const y = b.inputs[i]!;
      const free = a.operator === "Reshape" && i === 1 ? freeDimension(x, y) : undefined;
      return free ? this.#constant(free) : this.#emit(x, y, of);
    });
    return this.#add(a.operator, inputs, a.attributes, layer);
  }

  #add(operator: string, inputs: readonly string[], attributes: Attributes, layer: string): string {
    const name = this.#unique(layer === "" ? operator : `${layer}/${operator}`);
    this.#nodes.push({ name, operator, inputs, output: name, attributes });
    return name;
  }

  // ------------------------------------------------------------- numbers

  /** Numbers, of which those that the recordings differ in are so many times the batch. */
  #known(a: Numbers, second: readonly number[], of: Node): string {
    if (a.values.every((value, i) => Object.is(value, second[i]))) return this.#constant(a);
    const layer = this.#layerOf(of);
    const [m, n] = this.recordings.map(({ batch }) => batch) as [number, number];
    const int = (value: number) =>
      this.#constant({ type: "INT64", scalar: false, values: [value] });
    const parts = a.values.map((value, i) => {
      if (value === second[i]) return int(value);
      const times = value / m;
      if (!Number.isInteger(times) || times * n !== second[i]) throw differing(of.op.name, layer);
      return times === 1
        ? this.#batchSize()
        : this.#add("Mul", [this.#batchSize(), int(times)], {}, layer);
    });
    let all = parts.length === 1 ? parts[0]! : this.#add("Concat", parts, { axis: 0 }, layer);
    if (a.scalar) all = this.#add("Squeeze", [all], {}, layer);
    if (a.type === "INT64") return all;
    return this.#add("Cast", [all], castTo(a.type), layer);
  }

  /** How many images there are, INT64 [1]. */
  #batchSize(): string {
    this.#batch ??= this.#add("Shape", [this.inputName], { start: 0, end: 1 }, "");
    return this.#batch;
  }

  /** Numbers as an initializer: the same ones once. */
  #constant(numbers: Numbers): string {
    const { type, scalar, values } = numbers;
    const key = `${type} ${scalar} ${values.map((v) => (Object.is(v, -0) ? "-0" : v)).join()}`;
    const known = this.#numbers.get(key);
    if (known) return known;
    const name = this.#unique("constant");
    this.#initializers.push(numbersOf(name, numbers));
    this.#numbers.set(key, name);
    return name;
  }

  // ------------------------------------------------------------- leaves

  /** Memory that a network reads: its parameters and buffers, and tensors of its own. */
  #leaf(node: Node): string {
    const binding = bindingOf(node)!;
    if (binding.kind === "argument") return this.inputName;
    if (binding.kind === "dynamic") {
      const what = "a value that is asked for at every run";
      throw new OnnxError(what, this.#layerOf(node), "has no ONNX form");
    }
    const name = binding.kind === "state" ? this.#stateName(binding.state) : this.#unique("tensor");
    if (this.#written.has(name)) return name;
    this.#written.add(name);
    // asked of the engine itself, since a Tensor would keep a copy
    const read = () => runtime.evaluate(node);
    this.#initializers.push(tensorOf(name, onnxType[node.dtype], node.shape, read));
    return name;
  }

  // ------------------------------------------------------------- names

  #stateName(state: StateLike): string {
    const name = this.#stateNames.get(state) ?? this.#unique(state.name);
    this.#stateNames.set(state, name);
    return name;
  }

  #unique(wanted: string): string {
    let name = wanted;
    let count = this.#taken.get(wanted) ?? 0;
    for (; this.#taken.has(name); count++) name = `${wanted}_${count}`;
    this.#taken.set(wanted, Math.max(1, count));
    if (name !== wanted) this.#taken.set(name, 1);
    return name;
  }

  #layerOf(node: Node): string {
    return this.#layers.get(node) ?? this.recordings[0].origins.of(node)?.layer ?? "";
  }

  #value(node: Node): Omit<OnnxValue, "name"> {
    const [first, second] = this.recordings;
    const { shape } = this.#isFixed ? node : this.#twins.of(node);
    const dims = node.shape.map((n, d): Dim => {
      if (n === shape[d]) return n;
      return n === first.batch && shape[d] === second.batch ? "batch" : undefined;
    });
    return { type: onnxType[node.dtype], dims };
  }
}

/** The shape of a Reshape, where one dimension depends on the batch: it is what is left. */
function freeDimension(a: Expression, b: Expression): Numbers | undefined {
  if (!isNumbers(a) || !isNumbers(b)) return undefined;
  const free = [...a.values.keys()].filter((i) => a.values[i] !== b.values[i]);
  if (free.length !== 1 || a.values.includes(0)) return undefined;
  return { ...a, values: a.values.map((n, i) => (i === free[0] ? -1 : n)) };
}

const sameAttributes = (a: { attributes: Attributes }, b: { attributes: Attributes }) =>
  JSON.stringify(a.attributes) === JSON.stringify(b.attributes);
