// The rival in the comparison of speeds: one training step of the deep recipe in TensorFlow.js, written as its
// own documentation would. Only scripts/rivals/bench.ts imports this file.
//
// Its packages are named here, exactly, and not in deno.json: nobody who trains downloads them.
// deno-lint-ignore-file no-import-prefix
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
import "npm:@tensorflow/tfjs-layers@4.22.0"; // registers the gradients of every operation
import "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";

/** What to train, and on which of TensorFlow.js' back ends. */
export interface TensorflowDeepOptions {
  /** The back end to train on; the second computes on the CPU. */
  readonly backend: "webgpu" | "wasm";
  /** Widths from the input over the code to the output, such as 784, 128, 64, 12, 3, 12, 64, 128, 784. */
  readonly sizes: readonly number[];
  /** Rows of every batch, B. */
  readonly batchSize: number;
  /** Weights [O, I] and biases [O] in the layers' order, named `….weight` and `….bias` as PyTorch does. */
  readonly parameters: ReadonlyMap<
    string,
    { readonly shape: readonly number[]; readonly data: Float32Array }
  >;
  /** Adam's learning rate. */
  readonly learningRate: number;
  /** TensorFlow.js' own settings, for a fair search of its best, such as WEBGPU_MATMUL_PROGRAM_TYPE: 3. */
  readonly flags?: Readonly<Record<string, number | boolean>>;
}

/** One training step that can be timed. */
export interface RivalStep {
  /** The library, its version and its back end, for a table. */
  readonly name: string;
  /** Trains on one batch [B, I]. An array is uploaded when it is first seen; pass the same few again. */
  step(x: Float32Array<ArrayBuffer>): void;
  /** The loss of the last step, from before its update. Waits for the device. */
  loss(): Promise<number>;
  /** Resolves once the device has done every step so far. */
  sync(): Promise<void>;
  /** Frees what the step holds on the device. */
  dispose(): void;
}

/**
 * The deep recipe: tanh between the layers, an identity code, a sigmoid output, the squared error's mean over
 * all elements, and Adam with PyTorch's defaults (0.9, 0.999, ε = 1e-8 added to the corrected root).
 *
 * @throws {RangeError} where the parameters do not fit the sizes
 */
export async function createTensorflowDeepStep(options: TensorflowDeepOptions): Promise<RivalStep> {
  const { backend, sizes, batchSize, learningRate, flags } = options;
  tf.env().setFlags({ ...flags });
  if (!await tf.setBackend(backend)) throw new Error(`Cannot start TensorFlow.js' back end "${backend}"`);
  await tf.ready();

  // TensorFlow.js multiplies by weights [I, O], as its own dense layer keeps them.
  const layers = readLayers(options).map(({ weight, bias, inputs, outputs }) => ({
    weight: tf.tidy(() => tf.variable(tf.transpose(tf.tensor2d(weight, [outputs, inputs])))),
    bias: tf.tidy(() => tf.variable(tf.tensor1d(bias))),
  }));
  const code = layers.length / 2 - 1;
  const variables = layers.flatMap(({ weight, bias }) => [weight, bias]);
  const optimizer = new tf.AdamOptimizer(learningRate, 0.9, 0.999, 1e-8);

  const reconstruct = (x: tf.Tensor2D): tf.Tensor2D =>
    layers.reduce((input, { weight, bias }, index) => {
      const y = tf.fused.matMul({ a: input, b: weight, bias }) as tf.Tensor2D;
      if (index === code) return y;
      return index === layers.length - 1 ? tf.sigmoid(y) : tf.tanh(y);
    }, x);

  const uploaded = new Map<Float32Array, tf.Tensor2D>();
  let cost: tf.Scalar | null = null;
  return {
    name: `TensorFlow.js ${tf.version_core}, ${backend}`,
    step(x) {
      let batch = uploaded.get(x);
      if (batch === undefined) {
        batch = tf.tensor2d(x, [batchSize, sizes[0]]);
        uploaded.set(x, batch);
      }
      const target = batch;
      cost?.dispose();
      cost = optimizer.minimize(
        () => tf.mean(tf.squaredDifference(reconstruct(target), target)),
        true,
        variables,
      );
    },
    async loss() {
      if (cost === null) throw new Error("Cannot read the loss before the first step");
      return (await cost.data())[0];
    },
    async sync() {
      // The last parameter is the last thing that a step writes.
      await variables.at(-1)!.data();
    },
    dispose() {
      cost?.dispose();
      for (const batch of uploaded.values()) batch.dispose();
      for (const variable of variables) variable.dispose();
      optimizer.dispose();
    },
  };
}

interface Layer {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
}

function readLayers({ sizes, parameters }: TensorflowDeepOptions): Layer[] {
  const weights = [...parameters].filter(([name]) => name.endsWith(".weight"));
  if (weights.length !== sizes.length - 1 || weights.length % 2 !== 0) {
    throw new RangeError(
      `Cannot build the deep recipe: expected ${sizes.length - 1} weights, an even number, for the sizes ` +
        `${sizes.join("-")} but received ${weights.length}`,
    );
  }
  return weights.map(([name, weight], index) => {
    const [inputs, outputs] = [sizes[index], sizes[index + 1]];
    const bias = parameters.get(name.replace(/\.weight$/, ".bias"));
    if (weight.shape.join() !== `${outputs},${inputs}` || bias?.shape.join() !== `${outputs}`) {
      throw new RangeError(
        `Cannot build the deep recipe: expected "${name}" [${outputs}, ${inputs}] and its bias [${outputs}] ` +
          `but received [${weight.shape.join(", ")}] and [${bias?.shape.join(", ")}]`,
      );
    }
    return { weight: weight.data, bias: bias.data, inputs, outputs };
  });
}
