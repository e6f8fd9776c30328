import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { compile } from "../../src/step/compile.ts";
import { compileShaders } from "../../src/train/compile_shaders.ts";
import { gpuTest } from "../helpers/gpu.ts";

gpuTest("compileShaders() dispatches each pipeline once, says so, and computes nothing", async (gpu) => {
  using parameters = new Parameters(1);
  const graph = new Graph(4), x = graph.input("x", 12);
  const code = dense(graph, parameters, x, {
    ...{ label: "code", outputs: 3, activation: "tanh", initializer: "glorot-uniform" },
  });
  const output = dense(graph, parameters, code, {
    ...{ label: "output", outputs: 12, activation: "sigmoid", initializer: "glorot-uniform" },
  });
  const step = await compile(gpu, graph, parameters, {
    label: "small",
    losses: [squaredError(graph, output, x, { label: "loss", reduction: "mean" })],
    trainable: parameters.all,
    optimizer: adam({ learningRate: 0.1 }),
    watch: () => true,
  });
  const before = await parameters.read();
  const { createCommandEncoder } = gpu.device, dispatched: GPUComputePipeline[] = [], sizes: number[] = [];
  gpu.device.createCommandEncoder = function (...options) {
    const encoder = createCommandEncoder.apply(this, options), { beginComputePass } = encoder;
    encoder.beginComputePass = function (...options) {
      const pass = beginComputePass.apply(this, options), { setPipeline, dispatchWorkgroups } = pass;
      pass.setPipeline = (pipeline) => (dispatched.push(pipeline), setPipeline.call(pass, pipeline));
      pass.dispatchWorkgroups = (x) => (sizes.push(x), dispatchWorkgroups.call(pass, x));
      return pass;
    };
    return encoder;
  };
  const lines: string[] = [];
  let clock = 0;
  try {
    const now = () => clock += 600; // milliseconds
    compileShaders(gpu, [step, step], {
      ...{ terminal: true, columns: 80, now, write: (text) => void lines.push(text.trimEnd()) },
    });
  } finally {
    gpu.device.createCommandEncoder = createCommandEncoder;
  }
  const all = [...step.dispatches, ...step.watchDispatches].map(({ pipeline }) => pipeline);
  assert.ok(step.watchDispatches.length > 0);
  assert.deepEqual(new Set(dispatched), new Set(all));
  assert.equal(dispatched.length, new Set(all).size);
  assert.deepEqual(new Set(sizes), new Set([0]));
  const total = dispatched.length;
  assert.match(lines[1], new RegExp(`^\\rcompiling shaders {2}1 of ${total} {2}0:\\d\\d left$`));
  assert.deepEqual(await parameters.read(), before);
  assert.equal(step.count, 0);
  step.destroy();
});
