// A network of Fovea's as plain data, from which a peer builds the same one: a list of layers, where
// "branches" are lists beside each other whose channels are joined. Only what the benchmark's networks are made
// of is known.

const pair = (value) => (typeof value === "number" ? [value, value] : [...value]);

const pool = (which) => (m) => [
  {
    kind: "pool",
    which,
    kernel: pair(m.kernelSize),
    stride: pair(m.options.stride ?? m.kernelSize),
    padding: pair(m.options.padding ?? 0),
  },
];

const relu = { kind: "relu" };

const kinds = {
  Sequential: (m) => [...m.children()].flatMap(describe),
  Conv2d: (m) => [
    {
      kind: "conv",
      inChannels: m.inChannels,
      outChannels: m.outChannels,
      kernel: pair(m.kernelSize),
      stride: pair(m.stride),
      padding: pair(m.padding),
    },
  ],
  Linear: (m) => [{ kind: "linear", inFeatures: m.inFeatures, outFeatures: m.outFeatures }],
  ReLU: () => [relu],
  Sigmoid: () => [{ kind: "sigmoid" }],
  Dropout: (m) => [{ kind: "dropout", p: m.p }],
  MaxPool2d: pool("max"),
  AvgPool2d: pool("avg"),
  GlobalAvgPool2d: () => [{ kind: "globalAvgPool" }],
  Flatten: () => [{ kind: "flatten" }],
  FlattenLayer: () => [{ kind: "flatten" }],
  Inception: (m) => [
    {
      kind: "branches",
      branches: [
        [...describe(m.p1_1), relu],
        [...describe(m.p2_1), relu, ...describe(m.p2_2), relu],
        [...describe(m.p3_1), relu, ...describe(m.p3_2), relu],
        [...describe(m.p4_1), ...describe(m.p4_2), relu],
      ],
    },
  ],
};

/** The layers of a module; throws for a kind of module that is not known here. */
export function describe(module) {
  const type = module.constructor.name;
  if (!kinds[type]) throw new Error(`the benchmark has no description of a ${type}`);
  return kinds[type](module);
}

/** Shapes of all weights and biases, in the order of the layers; convolutions as [o, i, h, w]. */
export function parametersOf(layers) {
  return layers.flatMap((layer) => {
    if (layer.kind === "branches") return layer.branches.flatMap(parametersOf);
    if (layer.kind === "linear") {
      return [[layer.outFeatures, layer.inFeatures], [layer.outFeatures]];
    }
    if (layer.kind !== "conv") return [];
    return [[layer.outChannels, layer.inChannels, ...layer.kernel], [layer.outChannels]];
  });
}
