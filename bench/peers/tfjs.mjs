// TensorFlow.js, on its backend "cpu" (plain JavaScript) or "wasm": the same layers, from its own ops, with
// channels last as it wants them.

import * as tf from "@tensorflow/tfjs";
import { parametersOf } from "./describe.mjs";
import { numbers, serve, weights } from "./worker.mjs";

await serve(async ({ backend, layers, input }) => {
  if (backend === "wasm") {
    const wasm = await import("@tensorflow/tfjs-backend-wasm");
    const { dirname, sep } = await import("node:path");
    const { fileURLToPath } = await import("node:url");
    const main = fileURLToPath(import.meta.resolve("@tensorflow/tfjs-backend-wasm"));
    wasm.setWasmPaths(dirname(main) + sep);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs cannot start its backend ${backend}`);
  await tf.ready();
  const parameters = parametersOf(layers).map((shape) => {
    const values = tf.tensor(weights(shape), shape);
    return tf.variable(shape.length === 4 ? values.transpose([2, 3, 1, 0]) : values);
  });
  const optimizer = tf.train.sgd(0.01);
  const [channels, height, width] = input;
  const batchOf = (n) =>
    tf.tensor4d(numbers([n, height, width, channels]), [n, height, width, channels]);
  return {
    threads: 1, // in Node, both backends compute on one
    train: (n) => {
      const x = batchOf(n);
      const y = tf.oneHot(
        tf.tensor1d(
          Array.from({ length: n }, (_, i) => i % 10),
          "int32",
        ),
        10,
      );
      return async () => {
        const loss = optimizer.minimize(
          () => tf.losses.softmaxCrossEntropy(y, forward(layers, parameters, x, true)),
          true,
        );
        await loss.data();
        loss.dispose();
      };
    },
    infer: (n) => {
      const x = batchOf(n);
      return async () => {
        const logits = tf.tidy(() => forward(layers, parameters, x, false));
        await logits.data();
        logits.dispose();
      };
    },
  };
});

function forward(layers, parameters, images, training) {
  const left = [...parameters];
  const run = (list, x) => list.reduce(step, x);
  const padded = (x, [h, w], value) =>
    h === 0 && w === 0
      ? x
      : tf.pad(
          x,
          [
            [0, 0],
            [h, h],
            [w, w],
            [0, 0],
          ],
          value,
        );
  const step = (x, layer) => {
    switch (layer.kind) {
      case "conv": {
        const [weight, bias] = left.splice(0, 2);
        const [same] = layer.padding;
        return tf.add(
          tf.conv2d(x, weight, layer.stride, same === 0 ? "valid" : explicit(layer)),
          bias,
        );
      }
      case "linear": {
        const [weight, bias] = left.splice(0, 2);
        return tf.add(tf.matMul(x, weight, false, true), bias);
      }
      case "pool": {
        const value = layer.which === "max" ? -3e38 : 0;
        const pool = layer.which === "max" ? tf.maxPool : tf.avgPool;
        return pool(padded(x, layer.padding, value), layer.kernel, layer.stride, "valid");
      }
      case "globalAvgPool":
        return tf.mean(x, [1, 2], true);
      case "flatten":
        return tf.reshape(x, [x.shape[0], -1]);
      case "dropout":
        return training ? tf.dropout(x, layer.p) : x;
      case "branches":
        return tf.concat(
          layer.branches.map((branch) => run(branch, x)),
          3,
        );
      case "relu":
        return tf.relu(x);
      case "sigmoid":
        return tf.sigmoid(x);
      default:
        throw new Error(`no layer of kind ${layer.kind}`);
    }
  };
  return run(layers, images);
}

function explicit({ padding: [h, w] }) {
  return [
    [0, 0],
    [h, h],
    [w, w],
    [0, 0],
  ];
}
