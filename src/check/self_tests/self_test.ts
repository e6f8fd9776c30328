/**
 * What a self-test of the device is, and how one runs its shader. The shaders lie beside the tests and not in
 * `shaders/`, because no network uses them.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { createPipeline } from "../../gpu/kernel.ts";
import type { Access, Shader } from "../../gpu/shader.ts";

/** What a self-test found. */
export interface Finding {
  /** Whether the device does what the project relies on. */
  readonly passed: boolean;
  /** What was measured, by name, with its unit in the name or the text. */
  readonly figures: Readonly<Record<string, number | string | boolean>>;
}

/** A check of something that the project relies on and that a device or its driver may get wrong. */
export interface SelfTest {
  /** What is checked. */
  readonly name: string;
  /** What goes wrong in the project where it fails. */
  readonly breaks: string;
  /** Checks it. @throws Error when the device reports one */
  readonly run: (gpu: Gpu) => Promise<Finding>;
}

/** A shader with what it reads and what it writes. */
export interface Job {
  /** The shader. */
  readonly shader: Shader;
  /** The function to run. */
  readonly entryPoint: string;
  /** Values of its `override`s. */
  readonly constants?: Readonly<Record<string, number>>;
  /** The first bindings. */
  readonly reads: readonly (Uint32Array | Float32Array)[];
  /** The bindings after them: how many words each has. */
  readonly writes: readonly number[];
  /** How many workgroups are dispatched. */
  readonly workgroups: number;
  /** How often it is run, into the same buffers; 1 if absent. */
  readonly runs?: number;
}

/**
 * Runs a shader and reads back what it wrote.
 *
 * @returns for each run, the words of each written binding
 * @throws Error when the shader does not compile, or the device reports an error
 */
export async function runJob(gpu: Gpu, job: Job): Promise<Uint32Array[][]> {
  const { shader, entryPoint, constants = {}, reads, writes, workgroups, runs = 1 } = job;
  const access: Access[] = [...reads.map(() => "read" as const), ...writes.map(() => "write" as const)];
  const pipeline = await createPipeline(gpu, { shader, entryPoint, constants, access });
  const inputs = reads.map((data, k) => gpu.upload(`${entryPoint} input ${k}`, data));
  const outputs = writes.map((words, k) => gpu.createBuffer(`${entryPoint} output ${k}`, 4 * words));
  const buffers = [...inputs, ...outputs];
  try {
    const group = bind(gpu, pipeline, buffers);
    const results: Uint32Array[][] = [];
    for (let run = 0; run < runs; run++) {
      dispatch(gpu, pipeline, [group], workgroups);
      const parts = outputs.map((buffer, k) => ({ buffer, offset: 0, size: 4 * writes[k] }));
      results.push((await gpu.read(parts, entryPoint)).map((floats) => new Uint32Array(floats.buffer)));
    }
    return results;
  } finally {
    for (const buffer of buffers) gpu.destroyBuffer(buffer);
  }
}

/** Bindings 0, 1, 2, … of a pipeline: whole buffers, or parts of them. */
export function bind(
  gpu: Gpu,
  pipeline: GPUComputePipeline,
  resources: readonly (GPUBuffer | GPUBufferBinding)[],
): GPUBindGroup {
  const label = "self-test";
  return gpu.device.createBindGroup({
    label,
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({
      binding,
      resource: "buffer" in resource ? resource : { buffer: resource },
    })),
  });
}

/** Submits one pass with a dispatch for each group, one after the other. */
export function dispatch(
  gpu: Gpu,
  pipeline: GPUComputePipeline,
  groups: readonly GPUBindGroup[],
  workgroups: number,
): void {
  const encoder = gpu.device.createCommandEncoder({ label: "self-test" });
  const pass = encoder.beginComputePass({ label: "self-test" });
  pass.setPipeline(pipeline);
  for (const group of groups) {
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups);
  }
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
}

/** How many of the expected words are not there. */
export function wrongWords(actual: Uint32Array, expected: Uint32Array): number {
  let wrong = 0;
  for (let k = 0; k < expected.length; k++) if (actual[k] !== expected[k]) wrong++;
  return wrong;
}
