// Small layers in one dispatch: which are fused, what ends a chain, and that the numbers are those of the register
// kernels to the bit, also in the layout for GPUs.
import assert from "node:assert/strict";
import type { ActivationLike } from "../../src/elementwise/activation_names.ts";
import { elu } from "../../src/elementwise/elu.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import type { KernelKind, ProductKernel } from "../../src/gpu/product_kernel.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Value } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { compile } from "../../src/step/compile.ts";
import { bitsOf, gpuTest, randomFloats, withKernels } from "../helpers/gpu.ts";

const LAYER = { initializer: "pytorch-linear" } as const;

/** A network: widths up to the code, the activation, and whether the decoder has the encoder's weights. */
interface Network {
  readonly batchSize: number;
  readonly rows: number;
  readonly sizes: readonly number[];
  readonly f: ActivationLike;
  readonly isTied?: boolean;
  readonly bias?: boolean;
}

/** Labels of the dispatches, and the bits of all values, gradients and losses, by kind of kernel. */
async function run(gpu: Gpu, kernels: KernelKind | "auto" | ProductKernel, network: Network) {
  const { batchSize, rows, sizes, f, isTied = false, bias = true } = network;
  const graph = new Graph(batchSize);
  using parameters = new Parameters(3);
  const x = graph.input("x", sizes[0]), values: Value[] = [];
  let y = x;
  for (const [k, outputs] of sizes.slice(1).entries()) {
    y = dense(graph, parameters, y, { ...LAYER, label: `encoder.${k}`, outputs, activation: f, bias });
    values.push(y);
  }
  for (let k = sizes.length - 2; k >= 0; k--) {
    const label = `decoder.${k}`, options = { ...LAYER, label, activation: f, bias };
    y = isTied
      ? tiedDense(graph, parameters, y, { ...options, weight: `encoder.${k}.weight` })
      : dense(graph, parameters, y, { ...options, outputs: sizes[k] });
    values.push(y);
  }
  const losses = [squaredError(graph, y, x, { label: "loss", reduction: "mean" })];
  return await withKernels(gpu, kernels, async () => {
    using step = await compile(gpu, graph, parameters, {
      label: "net",
      losses,
      trainable: parameters.all,
      outputs: values,
      gradients: values,
    });
    step.upload(x, randomFloats("x", rows * sizes[0]));
    step.run({ first: 0, rows });
    step.run({ first: 0, rows });
    const arrays = [
      ...await step.read(values, rows),
      ...await step.readValueGradients(values, rows),
      ...(await step.readGradients()).values(),
      (await step.readLosses()).values.loss,
    ];
    return {
      labels: step.dispatches.map(({ label }) => label),
      bits: arrays.map((array) => bitsOf(Float32Array.from(array))),
    };
  });
}

const NETWORKS: readonly Network[] = [
  { batchSize: 1, rows: 1, sizes: [1, 1, 1], f: "sigmoid" },
  { batchSize: 7, rows: 5, sizes: [13, 5, 3], f: "relu", bias: false },
  { batchSize: 16, rows: 16, sizes: [17, 16, 4], f: "identity" },
  { batchSize: 64, rows: 63, sizes: [70, 33, 12, 3], f: "tanh" },
  { batchSize: 33, rows: 9, sizes: [20, 130, 2], f: "sigmoid" },
  { batchSize: 20, rows: 20, sizes: [37, 18, 6], f: "tanh", isTied: true },
  { batchSize: 9, rows: 3, sizes: [5, 21], f: "sigmoid", isTied: true, bias: false },
];

/** Compares fused with register kernels. */
async function assertSameBits(gpu: Gpu): Promise<void> {
  for (const network of NETWORKS) {
    const of = JSON.stringify(network);
    const fused = await run(gpu, "fused", network), single = await run(gpu, "register", network);
    assert.equal(fused.labels.length, 5, `${of}: ${fused.labels.join(", ")}`);
    assert.ok(single.labels.length > 5);
    fused.bits.forEach((bits, k) => assert.deepEqual(bits, single.bits[k], `${of}: array ${k}`));
  }
}

gpuTest("fused kernels compute what register kernels do, to the bit", assertSameBits);

Deno.test("fused kernels in the layout for GPUs compute the same, where invocations wait for each other", async () => {
  using gpu = await openGpu();
  Object.defineProperty(gpu, "isSoftware", { value: false });
  await assertSameBits(gpu);
  gpu.check("the layout for GPUs");
});

gpuTest("auto fuses small layers in a row, and leaves large ones and those that stand alone", async (gpu) => {
  const network = { batchSize: 4, rows: 4, f: "tanh" } as const;
  const { labels } = await run(gpu, "auto", { ...network, sizes: [150, 120, 6, 3] });
  assert.deepEqual(labels, [
    "encoder.0 forward",
    "encoder.1 … decoder.1 forward",
    "decoder.0 forward",
    "loss and its gradient to decoder.0",
    "decoder.0 backward weight",
    "decoder.0 backward input",
    "decoder.1 … encoder.1 backward input",
    "encoder.0 backward weight",
    "decoder.1 … encoder.1 backward weight",
    "loss total",
  ]);
  const alone = await run(gpu, "auto", { ...network, sizes: [150, 120] });
  assert.ok(alone.labels.every((label) => !label.includes("…")), alone.labels.join(", "));
});

gpuTest("an op between two layers ends a chain, and the numbers stay", async (gpu) => {
  const network = { batchSize: 6, rows: 5, sizes: [9, 8, 7, 3], f: elu() };
  const fused = await run(gpu, "fused", network), single = await run(gpu, "register", network);
  assert.ok(!fused.labels.some((label) => label.includes("…")), fused.labels.join(", "));
  fused.bits.forEach((bits, k) => assert.deepEqual(bits, single.bits[k], `array ${k}`));
});

gpuTest("a gradient that is written between two layers ends a chain: f' comes last", async (gpu) => {
  const gradients: Uint32Array[][] = [];
  for (const kind of ["fused", "register"] as const) {
    await withKernels(gpu, kind, async () => {
      const graph = new Graph(4);
      using parameters = new Parameters(3);
      const x = graph.input("x", 5), layer = { ...LAYER, activation: "tanh" } as const;
      const h = dense(graph, parameters, x, { ...layer, label: "h", outputs: 5 });
      const a = dense(graph, parameters, h, { ...layer, label: "a", outputs: 5 });
      const losses = [squaredError(graph, h, x, { label: "between", reduction: "sum" })];
      const b = dense(graph, parameters, h, { ...layer, label: "b", outputs: 5 });
      losses.push(squaredError(graph, a, x, { label: "of a", reduction: "sum" }));
      losses.push(squaredError(graph, b, x, { label: "of b", reduction: "sum" }));
      using step = await compile(gpu, graph, parameters, { label: "net", losses, trainable: parameters.all });
      step.upload(x, randomFloats("x", 20));
      step.run({ first: 0, rows: 4 });
      gradients.push((await step.readValueGradients([h, a, b], 4)).map(bitsOf));
    });
  }
  assert.deepEqual(gradients[0], gradients[1]);
});

gpuTest("a kernel found by tuning keeps its product out of a chain", async (gpu) => {
  const tuned = { kind: "register", rows: 8, columns: 8 } as const;
  const { labels } = await run(gpu, tuned, { batchSize: 4, rows: 4, sizes: [9, 6, 3], f: "tanh" });
  assert.ok(!labels.some((label) => label.includes("…")), labels.join(", "));
});
