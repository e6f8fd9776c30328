/**
 * Types and helpers of the device self-tests. Their shaders are in this folder and not in `shaders/`, because
 * no network uses them.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { createPipeline } from "../../gpu/kernel.ts";
import type { Access, Shader } from "../../gpu/shader.ts";

/** Result of a self-test. */
export interface Finding {
  /** True if the device behaves as the project requires. */
  readonly passed: boolean;
  /** Measurements by name, with the unit in the name or value. */
  readonly figures: Readonly<Record<string, number | string | boolean>>;
}

/** Test of a device property that the project requires and that a device or driver may violate. */
export interface SelfTest {
  readonly name: string;
  /** Consequence of a failure for the project. */
  readonly breaks: string;
  /** Runs the test. @throws Error if the device reports an error */
  readonly run: (gpu: Gpu) => Promise<Finding>;
}

/** A shader with its inputs and outputs. */
export interface Job {
  readonly shader: Shader;
  /** Name of the entry point. */
  readonly entryPoint: string;
  /** Values of the shader's `override` constants. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Contents of the first bindings. */
  readonly reads: readonly (Uint32Array | Float32Array)[];
  /** Number of words of each of the following bindings. */
  readonly writes: readonly number[];
  /** Number of dispatched workgroups. */
  readonly workgroups: number;
  /** Number of runs, all with the same buffers; default 1. */
  readonly runs?: number;
}

/**
 * Runs a shader and reads its outputs back.
 *
 * @returns words of each output binding, for each run
 * @throws Error if the shader does not compile or the device reports an error
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

/** Creates the bind group of a pipeline from bindings 0, 1, 2, …: whole buffers or parts of them. */
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

/** Submits one pass with a dispatch for each bind group, in order. */
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

/** Returns the number of words that differ from the expected ones. */
export function wrongWords(actual: Uint32Array, expected: Uint32Array): number {
  let wrong = 0;
  for (let k = 0; k < expected.length; k++) if (actual[k] !== expected[k]) wrong++;
  return wrong;
}
