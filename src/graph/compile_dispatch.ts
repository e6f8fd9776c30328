/**
 * One dispatch of a step, compiled: its kernel, and what it is bound to.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { createPipeline } from "../gpu/kernel.ts";
import type { KernelSpec } from "../gpu/shader.ts";
import { SHADER_NUMBERS } from "./shader_numbers.ts";
import type { Dispatch, Tensor } from "./tensor.ts";
import type { StepTextures, TextureCopy } from "./textures.ts";

/** A dispatch with its pipeline and bind group. */
export interface CompiledDispatch extends Dispatch {
  /** The pipeline, shared by dispatches with the same shader and constants. */
  readonly pipeline: GPUComputePipeline;
  /** What it is bound to. */
  readonly bindGroup: GPUBindGroup;
  /** How many workgroups run. */
  readonly workgroups: number;
  /** What is copied into textures before it. */
  readonly copies: readonly TextureCopy[];
}

/** Bytes from one dispatch's settings to the next one's: what bindings must be aligned to. */
export const SETTINGS_STRIDE = 256;

/** Bytes of what a step writes before it is submitted: room for {@link STEP_FIELDS}. */
export const STEP_BYTES = 32;

/** `struct Step` in shaders/common/step.wgsl. */
const STEP_FIELDS = [
  "rows: u32",
  "first: u32",
  "count: u32",
  "learning_rate: f32",
  "correction_1: f32",
  "correction_2: f32",
  "draw: u32",
];

/** Where a tensor lies; `binding` tells apart what has no tensor. */
export type Place = (
  tensor: Tensor | undefined,
  binding?: number,
) => { buffer: GPUBuffer; offset: number; size: number };

/**
 * The kernel that a dispatch runs: its shader behind the numbers that shaders of a graph know, how many invocations a workgroup
 * has, and what it binds.
 */
export function kernelOfDispatch(dispatch: Dispatch, invocations: number): KernelSpec {
  const { shader, entryPoint, reads, writes, constants, textures = 0, settings: { u32, f32 = {} } } =
    dispatch;
  const binding = reads.length + writes.length;
  return {
    shader: { ...shader, before: [SHADER_NUMBERS, ...shader.before ?? []] },
    entryPoint,
    constants: { WORKGROUP_SIZE: invocations, ...constants },
    access: [
      ...reads.map((_, at) => at < textures ? "texture" : "read"),
      ...writes.map(() => "write" as const),
      "read", // settings
      "read", // step
    ],
    structs: [
      {
        binding,
        fields: [
          ...Object.keys(u32).map((name) => `${name}: u32`),
          ...Object.keys(f32).map((name) => `${name}: f32`),
        ],
      },
      { binding: binding + 1, fields: STEP_FIELDS, name: "Step" },
    ],
  };
}

/** Bytes of a dispatch's fixed numbers. */
function settingsBytes({ settings: { u32, f32 = {} } }: Dispatch): number {
  return Math.ceil((Object.values(u32).length + Object.values(f32).length) / 4) * 16;
}

/** Makes the pipeline and the bind group of a dispatch, and writes its settings. */
export async function compileDispatch(
  gpu: Gpu,
  dispatch: Dispatch,
  invocations: number,
  place: Place,
  textures: StepTextures,
  settings: GPUBuffer,
  at: number,
  state: GPUBuffer,
): Promise<CompiledDispatch> {
  const { reads, writes, label, textures: textureReads = 0 } = dispatch;
  const { u32, f32 = {} } = dispatch.settings;
  const bytes = new ArrayBuffer(settingsBytes(dispatch));
  new Uint32Array(bytes).set(Object.values(u32));
  new Float32Array(bytes).set(Object.values(f32), Object.values(u32).length);
  gpu.device.queue.writeBuffer(settings, SETTINGS_STRIDE * at, bytes);

  const pipeline = await createPipeline(gpu, kernelOfDispatch(dispatch, invocations));
  const bindGroup = gpu.device.createBindGroup({
    label,
    layout: pipeline.getBindGroupLayout(0),
    entries: [
      ...[...reads, ...writes].map((tensor, binding) => ({
        binding,
        resource: binding < textureReads ? textures.of(tensor).createView() : place(tensor, binding),
      })),
      {
        binding: reads.length + writes.length,
        resource: { buffer: settings, offset: SETTINGS_STRIDE * at, size: bytes.byteLength },
      },
      { binding: reads.length + writes.length + 1, resource: { buffer: state } },
    ],
  });
  const workgroups = Math.ceil(dispatch.invocations / invocations);
  return { ...dispatch, pipeline, bindGroup, workgroups, copies: textures.copies[at] };
}

/** Puts a dispatch into a pass. */
export function encodeDispatch(
  pass: GPUComputePassEncoder,
  { pipeline, bindGroup, workgroups }: CompiledDispatch,
): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(workgroups);
}
