// onnxruntime-node (a development dependency of Fovea's): inference of the network as Fovea exports it.

import ort from "onnxruntime-node";
import { numbers, serve } from "./worker.mjs";

await serve(async ({ file, threads, input }) => {
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionProviders: ["cpu"],
  });
  return {
    threads,
    infer: (batch) => {
      const shape = [batch, ...input];
      const images = new ort.Tensor("float32", numbers(shape), shape);
      return () => session.run({ input: images });
    },
  };
});
