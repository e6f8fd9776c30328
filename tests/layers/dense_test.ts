import assert from "node:assert/strict";
import { InputError } from "../../src/errors.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { KERNEL_KINDS, type KernelKind } from "../../src/gpu/product_kernel.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Activation } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { bitsOf, gpuTest, randomFloats } from "../helpers/gpu.ts";

const ACTIVATIONS: readonly Activation[] = ["identity", "sigmoid", "tanh", "relu"];

/** Inputs as images have them: exact zeros and ones among others, and negatives. */
function awkward(name: string, count: number): Float32Array<ArrayBuffer> {
  return randomFloats(name, count).map((x, k) => k % 5 === 1 ? 0 : k % 7 === 2 ? 1 : x);
}

/** The bits of all parameters after three steps, the last on a partial batch, on a device of their own. */
async function trainedBits(kind: KernelKind): Promise<Map<string, Uint32Array>> {
  using gpu = await openGpu();
  gpu.kernels = { kind };
  const graph = new Graph(48);
  using parameters = new Parameters(17);
  const x = graph.input("x", 67);
  const layer = { initializer: "pytorch-linear" } as const;
  const h = dense(graph, parameters, x, { ...layer, label: "h", outputs: 70, activation: "tanh" });
  const options = { ...layer, label: "y", weight: "h.weight", activation: "sigmoid" } as const;
  const y = tiedDense(graph, parameters, h, options);
  const loss = squaredError(graph, y, x, { label: "loss", reduction: "sum" });
  using step = await compile(gpu, graph, parameters, {
    label: "repeated",
    losses: [loss],
    trainable: parameters.all,
    optimizer: adam({ learningRate: 0.01 }),
  });
  step.upload(x, awkward("repeated", 48 * 67));
  for (const rows of [48, 48, 33]) step.run({ first: 0, rows });
  return new Map([...await parameters.read()].map(([name, floats]) => [name, bitsOf(floats)]));
}

Deno.test.each(KERNEL_KINDS.map((kind) => [kind] as const))(
  "training repeats to the bit: %s kernels",
  async (kind) => {
    assert.deepEqual(await trainedBits(kind), await trainedBits(kind));
  },
);

gpuTest("ReLU has derivative 0 at exactly 0", async (gpu) => {
  const graph = new Graph(16);
  using parameters = new Parameters(14);
  const x = graph.input("x", 1), target = graph.input("target", 1);
  const layer = { initializer: "pytorch-linear", bias: false, outputs: 1 } as const;
  const y = dense(graph, parameters, x, { ...layer, label: "y", activation: "relu" });
  const z = dense(graph, parameters, y, { ...layer, label: "z", activation: "identity" });
  parameters.write("y.weight", [1]);
  parameters.write("z.weight", [1]);
  const loss = squaredError(graph, z, target, { label: "loss", reduction: "sum" });
  using step = await compile(gpu, graph, parameters, { label: "kink", losses: [loss], gradients: [x] });
  step.upload(x, Float32Array.of(-1, 0, 1));
  step.upload(target, Float32Array.of(2, 2, 2));
  step.run({ first: 0, rows: 3 });
  const [gradient] = await step.readValueGradients([x], 3);
  assert.deepEqual([...gradient].map((d) => d + 0), [0, 0, -2]);
});

gpuTest(
  "NaN in an input is not hidden by an activation: it shows in the output and in the loss",
  async (gpu) => {
    for (const activation of ACTIVATIONS) {
      const graph = new Graph(16);
      using parameters = new Parameters(15);
      const x = graph.input("x", 3), target = graph.input("target", 2);
      const y = dense(graph, parameters, x, {
        label: "y",
        outputs: 2,
        activation,
        initializer: "pytorch-linear",
      });
      const loss = squaredError(graph, y, target, { label: "loss", reduction: "mean" });
      using step = await compile(gpu, graph, parameters, { label: "poisoned", losses: [loss], outputs: [y] });
      step.upload(x, Float32Array.of(1, 2, 3, 4, NaN, 6));
      step.upload(target, Float32Array.of(0, 0, 0, 0));
      step.run({ first: 0, rows: 1 });
      assert.ok(Number.isFinite((await step.readLosses()).mean.loss), "row 0 is clean");
      step.run({ first: 0, rows: 2 });
      const [read] = await step.read([y], 2);
      assert.deepEqual([...read].map(Number.isNaN), [false, false, true, true], activation);
      await assert.rejects(
        step.readLosses(),
        (error: unknown) =>
          error instanceof InputError &&
          error.message.startsWith('Measuring "poisoned" failed: loss "loss" is NaN in batch 1;'),
      );
    }
  },
);
