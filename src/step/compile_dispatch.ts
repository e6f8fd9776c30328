/**
 * Compiles one dispatch of a step: its pipeline and its bind group.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { createPipeline } from "../gpu/kernel.ts";
import type { KernelSpec } from "../gpu/shader.ts";
import { SHADER_NUMBERS } from "../graph/shader_numbers.ts";
import type { Dispatch, Tensor } from "../graph/tensor.ts";
import type { StepTextures, TextureCopy } from "./textures.ts";

/** A dispatch with its pipeline and bind group. */
export interface CompiledDispatch extends Dispatch {
  /** The pipeline, shared by dispatches with the same shader and constants. */
  readonly pipeline: GPUComputePipeline;
  /** Its bind group: reads, writes, settings, step. */
  readonly bindGroup: GPUBindGroup;
  /** Number of workgroups. */
  readonly workgroups: number;
  /** Copies into textures that must be made before it. */
  readonly copies: readonly TextureCopy[];
}

/** Bytes from one dispatch's settings to the next: the alignment that WebGPU requires of bindings. */
export const SETTINGS_STRIDE = 256;

/** Size of `struct Step` in bytes: room for {@link STEP_FIELDS}. */
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

/** Returns the memory of a tensor; `binding` separates the placeholders of absent tensors. */
export type Place = (
  tensor: Tensor | undefined,
  binding?: number,
) => { buffer: GPUBuffer; offset: number; size: number };

/**
 * Returns the specification of a dispatch's kernel: its shader, preceded by the constants of
 * {@link SHADER_NUMBERS}, its workgroup size and its bindings.
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

/** Size of a dispatch's settings in bytes, padded to 16. */
function settingsBytes({ settings: { u32, f32 = {} } }: Dispatch): number {
  return Math.ceil((Object.values(u32).length + Object.values(f32).length) / 4) * 16;
}

/** Creates the pipeline and the bind group of a dispatch, and writes its settings. */
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

/** Encodes a dispatch in a compute pass. */
export function encodeDispatch(
  pass: GPUComputePassEncoder,
  { pipeline, bindGroup, workgroups }: CompiledDispatch,
): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(workgroups);
}
