import assert from "node:assert/strict";
import { InputError } from "../../src/errors.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { createPipeline } from "../../src/gpu/kernel.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { gpuTest, sharedGpu } from "../helpers/gpu.ts";
import type { KernelSpec } from "../../src/gpu/shader.ts";

/** A network of one layer, 3 → 2. */
function small() {
  const graph = new Graph(1);
  const parameters = new Parameters(1);
  const x = graph.input("x", 3);
  const target = graph.input("target", 2);
  const y = dense(graph, parameters, x, {
    label: "layer",
    outputs: 2,
    activation: "tanh",
    initializer: "pytorch-linear",
  });
  const loss = squaredError(graph, y, target, { label: "loss", reduction: "mean" });
  return { graph, parameters, x, target, y, loss };
}

const SOURCE = `override WORKGROUP_SIZE: u32;
override ROWS: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(WORKGROUP_SIZE)
fn fill() {
  for (var r = 0u; r < ROWS; r++) { // unroll
    y[r] = 1.0;
  }
  y[ROWS] = 2.0;
}
`;

function spec(path: string, code: string, more: Partial<KernelSpec> = {}): KernelSpec {
  return {
    shader: { path, code },
    entryPoint: "fill",
    constants: { WORKGROUP_SIZE: 1, ROWS: 3 },
    access: ["write"],
    ...more,
  };
}

gpuTest("openGpu() says what it runs on", (gpu) => {
  assert.ok(gpu.adapterName.length > 0);
  assert.ok(gpu.description.startsWith(gpu.adapterName));
  assert.equal(gpu.description.includes("software adapter"), gpu.isSoftware);
  assert.equal(gpu.device.label, "bottleneck");
  assert.equal(gpu.hasTimestamps, gpu.device.features.has("timestamp-query"));
});

Deno.test("openGpu() says what to install where there is no adapter", async () => {
  Object.defineProperty(navigator.gpu, "requestAdapter", {
    value: () => Promise.resolve(null),
    configurable: true,
  });
  try {
    await assert.rejects(openGpu(), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /^Cannot open a GPU: WebGPU found no adapter\./);
      assert.match(error.message, /apt-get install .*mesa-vulkan-drivers/);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  } finally {
    Reflect.deleteProperty(navigator.gpu, "requestAdapter");
  }
  assert.ok(await navigator.gpu.requestAdapter(), "the stub is gone");
});

/** Uses a buffer after its end, which nobody is waiting to hear about. */
function misuse(gpu: Gpu, label: string): void {
  const buffer = gpu.createBuffer(label, 16);
  const other = gpu.createBuffer("other", 16);
  const encoder = gpu.device.createCommandEncoder({ label: "copy" });
  encoder.copyBufferToBuffer(buffer, 0, other, 0, 16);
  gpu.destroyBuffer(buffer);
  gpu.destroyBuffer(other);
  gpu.device.queue.submit([encoder.finish()]);
}

gpuTest("Gpu.check() throws an uncaptured error once, with the object's label", async (gpu) => {
  misuse(gpu, "guilty buffer");
  await gpu.device.queue.onSubmittedWorkDone();
  assert.throws(() => gpu.check("copying"), /^InputError: GPU error during copying: .*guilty buffer/s);
  gpu.check("copying");
});

gpuTest("Gpu.read() throws what the device reported before", async (gpu) => {
  const buffer = gpu.createBuffer("good buffer", 16);
  misuse(gpu, "guilty buffer");
  await gpu.device.queue.onSubmittedWorkDone();
  await assert.rejects(
    gpu.read([{ buffer, offset: 0, size: 16 }], "step 7 of a test"),
    /^InputError: GPU error during step 7 of a test: .*guilty buffer/s,
  );
  await assert.rejects(
    gpu.read([{ buffer, offset: 0, size: 64 }], "step 8"),
    /^InputError: GPU error during step 8: /,
  );
  gpu.destroyBuffer(buffer);
});

gpuTest("Gpu.read() gives several parts in order with one wait", async (gpu) => {
  const a = gpu.upload("a", Float32Array.of(1, 2, 3, 4));
  const b = gpu.upload("b", Float32Array.of(5, 6, 7, 8));
  const parts = [
    { buffer: b, offset: 4, size: 8 },
    { buffer: a, offset: 0, size: 16 },
    { buffer: b, offset: 12, size: 4 },
  ];
  const read = await gpu.read(parts, "a test");
  assert.deepEqual(read.map((part) => [...part]), [[6, 7], [1, 2, 3, 4], [8]]);
  gpu.destroyBuffer(a);
  gpu.destroyBuffer(b);
});

gpuTest("Gpu counts live buffers and bytes", (gpu) => {
  const [buffers, bytes] = [gpu.liveBuffers, gpu.liveBytes];
  const buffer = gpu.createBuffer("counted", 4099);
  assert.equal(buffer.label, "counted");
  assert.equal(buffer.size, 4100);
  assert.deepEqual([gpu.liveBuffers, gpu.liveBytes], [buffers + 1, bytes + 4100]);
  gpu.destroyBuffer(buffer);
  assert.deepEqual([gpu.liveBuffers, gpu.liveBytes], [buffers, bytes]);
});

gpuTest("Gpu.createBuffer() names the limit that a buffer exceeds", (gpu) => {
  const limit = gpu.device.limits.maxStorageBufferBindingSize;
  assert.throws(() => gpu.createBuffer("train images", limit + 2 ** 20), (error: unknown) => {
    assert.ok(error instanceof InputError);
    assert.match(
      error.message,
      /^Cannot create GPU buffer "train images": it needs [\d,.]+ MiB, 1 MiB more than this device's max\w+ of /,
    );
    assert.ok(error.message.includes(` of ${(limit / 2 ** 20).toLocaleString("en-US")} MiB;`), error.message);
    return true;
  });
});

Deno.test("Gpu.check() says in one line that memory has run out", async () => {
  using gpu = await openGpu();
  gpu.createBuffer("data", 3 * 2 ** 20);
  const error = new GPUOutOfMemoryError("no memory");
  gpu.device.dispatchEvent(
    Object.assign(new Event("uncapturederror"), { error }), // as a device with that little memory would
  );
  assert.throws(() => gpu.check("step 1"), (error: unknown) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /^Out of GPU memory during step 1: 3 MiB .* use fewer images, /);
    return true;
  });
});

gpuTest("compile() leaves nothing behind when a buffer is too large", async (gpu) => {
  const graph = new Graph(65536);
  using parameters = new Parameters(1);
  const x = graph.input("x", 1);
  const y = dense(graph, parameters, x, {
    label: "huge",
    outputs: 4096,
    activation: "identity",
    initializer: "pytorch-linear",
  });
  const before = gpu.liveBuffers;
  await assert.rejects(
    compile(gpu, graph, parameters, { label: "huge", outputs: [y], trainable: [] }),
    (error: unknown) => error instanceof InputError && error.message.includes('"huge"'),
  );
  assert.equal(gpu.liveBuffers, before, "not even the parameters are there");
});

gpuTest("createPipeline() makes one pipeline for one set of constants", async (gpu) => {
  const first = await createPipeline(gpu, spec("shaders/ok.wgsl", SOURCE));
  assert.equal(await createPipeline(gpu, spec("shaders/ok.wgsl", SOURCE)), first);
  assert.equal(first.label, "shaders/ok.wgsl fill");
  const other = await createPipeline(
    gpu,
    spec("shaders/ok.wgsl", SOURCE, { constants: { WORKGROUP_SIZE: 1, ROWS: 2 } }),
  );
  assert.notEqual(other, first);
});

Deno.test.each([
  ["before a marked loop", 5, "fn fill() {", "fn fill() { let z = unknown_1;", 21],
  ["inside a marked loop", 7, "y[r] = 1.0;", "y[r] = unknown_2;", 12], // compiled as y[0u], a column further right
  ["after a marked loop", 9, "y[ROWS] = 2.0;", "y[ROWS] = unknown_3;", 13],
])(
  "createPipeline() reports a broken shader by its own line: %s",
  async (where, line, old, broken, column) => {
    const gpu = await sharedGpu();
    assert.ok(SOURCE.includes(old));
    const path = `shaders/broken ${where}.wgsl`;
    const name = broken.match(/unknown_\d/)![0];
    await assert.rejects(createPipeline(gpu, spec(path, SOURCE.replace(old, broken))), {
      name: "ShaderError",
      message: [
        `Cannot compile ${path}:${line}:${column}: no definition in scope for identifier: \`${name}\``,
        `    ${broken}`,
        `    ${" ".repeat(broken.indexOf(name))}^`,
      ].join("\n"),
    });
    gpu.check("reporting a broken shader");
  },
);

gpuTest("createPipeline() reports a missing and an unknown override", async (gpu) => {
  const noLoop = SOURCE.replace(" // unroll", "");
  await assert.rejects(
    createPipeline(gpu, spec("shaders/missing.wgsl", noLoop, { constants: { WORKGROUP_SIZE: 1 } })),
    /^ShaderError: Cannot compile shaders\/missing\.wgsl: in entry point "fill": Missing value .*'ROWS'$/,
  );
  await assert.rejects(
    createPipeline(
      gpu,
      spec("shaders/unknown.wgsl", noLoop, { constants: { WORKGROUP_SIZE: 1, ROWS: 1, COLUMNS: 1 } }),
    ),
    /^ShaderError: Cannot compile shaders\/unknown\.wgsl: in entry point "fill": .*'COLUMNS' not found in the shader$/,
  );
});

Deno.test("a lost device is an error that names the step", async () => {
  const gpu = await openGpu();
  const { graph, parameters, x, target, loss } = small();
  const step = await compile(gpu, graph, parameters, { label: "small", losses: [loss] });
  step.upload(x, Float32Array.of(1, 2, 3));
  step.upload(target, Float32Array.of(0, 0));
  step.run({ first: 0, rows: 1 });
  await step.readLosses();
  gpu.device.destroy();
  step.run({ first: 0, rows: 1 });
  await assert.rejects(
    step.readLosses(),
    /^DeviceLost: Cannot continue step 2 of "small": the GPU was lost \(destroyed/,
  );
  await assert.rejects(step.readLosses(), /; start again$/);
});

Deno.test("compiling on a lost device blames the device, not the shader", async () => {
  const gpu = await openGpu();
  const { graph, parameters, loss } = small();
  gpu.device.destroy();
  await assert.rejects(
    compile(gpu, graph, parameters, { label: "small", losses: [loss] }),
    /^DeviceLost: Cannot continue compiling shaders\/.*: the GPU was lost \(destroyed/,
  );
});

gpuTest("everything that a model makes is destroyed by `using`", async (gpu) => {
  const before = gpu.liveBuffers;
  {
    const { graph, parameters, loss } = small();
    using _parameters = parameters;
    const optimizer = adam({ learningRate: 0.1 });
    const trainable = parameters.all;
    using _first = await compile(gpu, graph, parameters, {
      label: "a",
      losses: [loss],
      trainable,
      optimizer,
    });
    using _second = await compile(gpu, graph, parameters, { label: "b", losses: [loss], trainable });
    assert.ok(gpu.liveBuffers > before);
  }
  assert.equal(gpu.liveBuffers, before);
});

Deno.test("Gpu.destroy() leaves no buffers and no pipelines", async () => {
  const gpu = await openGpu();
  gpu.createBuffer("one", 16);
  gpu.createBuffer("two", 16);
  assert.equal(gpu.liveBuffers, 2);
  gpu.destroy();
  assert.deepEqual([gpu.liveBuffers, gpu.liveBytes, gpu.pipelines.size], [0, 0, 0]);
});

gpuTest("every GPU object of a step carries a label", async (gpu) => {
  const { graph, parameters, loss } = small();
  using _parameters = parameters;
  const made: string[] = [];
  const { device } = gpu;
  const createBuffer = device.createBuffer.bind(device);
  const createBindGroup = device.createBindGroup.bind(device);
  Object.defineProperties(device, {
    createBuffer: {
      value: (descriptor: GPUBufferDescriptor) => {
        made.push(descriptor.label ?? "");
        return createBuffer(descriptor);
      },
      configurable: true,
    },
    createBindGroup: {
      value: (descriptor: GPUBindGroupDescriptor) => {
        made.push(descriptor.label ?? "");
        return createBindGroup(descriptor);
      },
      configurable: true,
    },
  });
  try {
    const optimizer = adam({ learningRate: 0.1 });
    using step = await compile(gpu, graph, parameters, {
      label: "labeled",
      losses: [loss],
      trainable: parameters.all,
      optimizer,
    });
    for (const { label, bindGroup, pipeline, shader, entryPoint } of step.dispatches) {
      assert.equal(bindGroup.label, label);
      assert.equal(pipeline.label, `${shader.path} ${entryPoint}`);
    }
  } finally {
    Reflect.deleteProperty(device, "createBuffer");
    Reflect.deleteProperty(device, "createBindGroup");
  }
  assert.ok(made.length > 10);
  assert.ok(made.every((label) => label !== ""), made.join(" | "));
  for (
    const label of [
      "parameters",
      "x",
      "target",
      "layer",
      "d_layer",
      "losses",
      "labeled moment 2",
      "layer forward",
    ]
  ) {
    assert.ok(made.includes(label), `${label} is not among ${made.join(" | ")}`);
  }
});
