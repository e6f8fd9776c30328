// TensorFlow.js as an entrant of the comparison, in the style of its documentation.
// Arguments: the backend, webgpu or wasm, and the number of its matrix-product kernel on WebGPU (-1: its own choice).
//
// The packages are pinned here and not in deno.json, so that training never downloads them.
// deno-lint-ignore-file no-import-prefix
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
import "npm:@tensorflow/tfjs-layers@4.22.0"; // registers the gradients of every operation
import "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { serve } from "./entrant.ts";
import { floatsOf, pixelsOf, type TaskLayer, WIDTH } from "./task.ts";

const [backend, product] = Deno.args;
const ACTIVATE = { identity: (z: tf.Tensor2D) => z, sigmoid: tf.sigmoid, tanh: tf.tanh, relu: tf.relu };

await serve(async (task) => {
  tf.env().setFlags({ WEBGPU_MATMUL_PROGRAM_TYPE: Number(product) });
  if (!await tf.setBackend(backend)) throw new Error(`TensorFlow.js cannot start its backend "${backend}"`);
  await tf.ready();

  const { layers, isVariational, isSum, shift, batchSize, learningRate } = task;
  // TensorFlow.js multiplies by weights [I, O], as in its own dense layer.
  const variables = new Map(
    Object.entries(task.parameters).map(([name, { shape, data }]) => [
      name,
      tf.variable(tf.tidy(() => tf.transpose(tf.tensor(floatsOf(data), [...shape])))),
    ]),
  );
  const batches = task.batches.map((_, k) => tf.tensor2d(pixelsOf(task, k), [batchSize, WIDTH]));
  const optimizer = new tf.AdamOptimizer(learningRate, 0.9, 0.999, 1e-8);

  function apply(x: tf.Tensor2D, { weight, bias, tied, activation }: TaskLayer): tf.Tensor2D {
    const w = variables.get(weight) as tf.Tensor;
    const z = tf.fused.matMul({
      a: x,
      b: tied ? tf.transpose(w) : w, // `transposeB: true` gives wrong gradients on wasm
      ...(bias === null ? {} : { bias: variables.get(bias) as tf.Tensor }),
    });
    return ACTIVATE[activation](z as tf.Tensor2D);
  }
  function squaredError(x: tf.Tensor2D): tf.Scalar {
    const target = shift === 0 ? x : tf.sub<tf.Tensor2D>(x, shift);
    const errors = tf.squaredDifference(layers.reduce(apply, target), target);
    return isSum ? tf.sum(errors) : tf.mean(errors);
  }
  function evidenceBound(x: tf.Tensor2D, noise: tf.Tensor2D): tf.Scalar {
    const hidden = apply(x, layers[0]);
    const mean = apply(hidden, layers[1]), logVariance = apply(hidden, layers[2]);
    const z = tf.add<tf.Tensor2D>(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise));
    const logits = layers.slice(3).reduce(apply, z);
    const entropy = tf.losses.sigmoidCrossEntropy(x, logits, undefined, 0, tf.Reduction.SUM);
    const spread = tf.sub(tf.sub(tf.add(logVariance, 1), tf.square(mean)), tf.exp(logVariance));
    return tf.add(entropy, tf.mul(tf.sum(spread), -0.5));
  }

  const code = task.parameters[layers[1]?.weight].shape[0];
  let cost: tf.Scalar | null = null;
  return {
    name: `TensorFlow.js ${tf.version_core}, ${backend}`,
    step(batch, noise) {
      const shape: [number, number] = [batchSize, code];
      cost?.dispose();
      cost = optimizer.minimize(
        () =>
          isVariational
            ? evidenceBound(batches[batch], noise ? tf.tensor2d(noise, shape) : tf.randomNormal(shape))
            : squaredError(batches[batch]),
        true,
        [...variables.values()],
      );
    },
    async finish() {
      await [...variables.values()].at(-1)!.data(); // the last write of a step
      return (await cost!.data())[0];
    },
  };
});
