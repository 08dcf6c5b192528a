// jax-js on its WebAssembly backend, the one that it has in Node: the same layers, from its own ops.

import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  valueAndGrad,
} from "@jax-js/jax";
import { parametersOf } from "./describe.mjs";
import { numbers, serve, weights } from "./worker.mjs";

await serve(async ({ layers, input }) => {
  await init("wasm");
  defaultDevice("wasm");
  const array = (shape, values) => np.array(values).reshape(shape);
  let parameters = parametersOf(layers).map((shape) => array(shape, weights(shape)));
  const batchOf = (n) => array([n, ...input], numbers([n, ...input]));
  const run = jit((given, x) => forward(layers, given, x));
  return {
    threads: 1,
    train: (n) => {
      const x = batchOf(n);
      const labels = np.array(
        Array.from({ length: n }, (_, i) => i % 10),
        { dtype: np.int32 },
      );
      const y = nn.oneHot(labels, 10);
      const lossOf = (given, images, wanted) =>
        nn
          .logSoftmax(forward(layers, given, images))
          .mul(wanted)
          .sum()
          .mul(-1 / n);
      const step = jit(valueAndGrad(lossOf));
      return async () => {
        const [loss, gradients] = step(
          parameters.map((p) => p.ref),
          x.ref,
          y.ref,
        );
        parameters = parameters.map((p, i) => p.sub(gradients[i].mul(0.01)));
        await blockUntilReady(parameters.map((p) => p.ref));
        await loss.data();
      };
    },
    infer: (n) => {
      const x = batchOf(n);
      return async () =>
        void (await run(
          parameters.map((p) => p.ref),
          x.ref,
        ).data());
    },
  };
});

/** Arrays are consumed by what reads them, unless it is given another `ref`. */
function forward(layers, parameters, images) {
  const left = [...parameters];
  const walk = (list, x) => list.reduce(step, x);
  const padded = (x, [h, w], value) =>
    h === 0 && w === 0
      ? x
      : np.pad(
          x,
          [
            [0, 0],
            [0, 0],
            [h, h],
            [w, w],
          ],
          { constantValues: value },
        );
  const step = (x, layer) => {
    switch (layer.kind) {
      case "conv": {
        const [weight, bias] = left.splice(0, 2);
        const edges = layer.padding.map((n) => [n, n]);
        const y = lax.convGeneralDilated(x, weight, layer.stride, edges);
        return y.add(bias.reshape([1, layer.outChannels, 1, 1]));
      }
      case "linear": {
        const [weight, bias] = left.splice(0, 2);
        return np.matmul(x, weight.transpose()).add(bias);
      }
      case "pool": {
        const isMax = layer.which === "max";
        const window = (values) => (isMax ? np.max(values) : np.mean(values));
        const edge = isMax ? -3e38 : 0;
        return lax.reduceWindow(padded(x, layer.padding, edge), window, layer.kernel, layer.stride);
      }
      case "globalAvgPool":
        return np.mean(x, [2, 3]);
      case "flatten":
        return x.reshape([x.shape[0], -1]);
      case "dropout":
        return x; // its cost is next to nothing beside the rest
      case "branches": {
        const results = layer.branches.map((branch, i) =>
          walk(branch, i === layer.branches.length - 1 ? x : x.ref),
        );
        return np.concatenate(results, 1);
      }
      case "relu":
        return nn.relu(x);
      case "sigmoid":
        return nn.sigmoid(x);
      default:
        throw new Error(`no layer of kind ${layer.kind}`);
    }
  };
  return walk(layers, images);
}
