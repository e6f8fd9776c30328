/**
 * Compiles kernels: entry points of shaders with their constants. Shader errors are reported with path, line,
 * column and the source line.
 * @module
 */
import type { Gpu } from "./device.ts";
import { TEXTURE_FORMAT } from "./texture.ts";
import { ShaderError } from "../errors.ts";
import { assembleShader, shaderParts } from "./assemble.ts";
import type { Access, KernelSpec, KernelText, RewriteShader, ShaderPart } from "./shader.ts";
import { compilationError, entryPointError, errorAt, explain, lineOf } from "./compiler_messages.ts";
import { checkStruct } from "./struct_fields.ts";
import { unroll, UnrollError } from "./unroll.ts";

const LAYOUTS: Record<Access, Omit<GPUBindGroupLayoutEntry, "binding" | "visibility">> = {
  read: { buffer: { type: "read-only-storage" } },
  write: { buffer: { type: "storage" } },
  texture: { storageTexture: { access: "read-only", format: TEXTURE_FORMAT } },
};

/**
 * Returns the text that is compiled for a kernel: its shader's parts, with marked loops unrolled.
 *
 * @param rewrite changes the text of a part; tests plant faults with it
 * @throws ShaderError if a first line names a file that does not exist, or a loop cannot be unrolled
 */
export function kernelText(
  { shader, constants }: Pick<KernelSpec, "shader" | "constants">,
  rewrite?: RewriteShader,
): KernelText {
  return textOf(shaderParts(shader, rewrite), constants);
}

function textOf(parts: readonly ShaderPart[], constants: KernelSpec["constants"]): KernelText {
  const { code, sources } = assembleShader(parts);
  try {
    const unrolled = unroll(code, constants);
    return { code: unrolled.code, sources: unrolled.sourceLines.map((line) => sources[line - 1]) };
  } catch (error) {
    if (!(error instanceof UnrollError)) throw error;
    const source = sources[error.line - 1];
    throw errorAt(source, 1 + lineOf(source).search(/\S/), `cannot unroll this loop: ${error.reason}`);
  }
}

/**
 * Compiles a kernel's pipeline, or returns the cached one: each is made once per device and set of constants.
 *
 * @throws ShaderError with file, line and column, or with the entry point and its mistake
 * @throws DeviceLost if the device was lost
 */
export async function createPipeline(gpu: Gpu, spec: KernelSpec): Promise<GPUComputePipeline> {
  const { shader, entryPoint, constants, access, structs = [] } = spec;
  const parts = shaderParts(shader, gpu.rewriteShader);
  // Equal texts share a pipeline, equal paths do not. A step has hundreds of dispatches and few kernels.
  const key = [...parts.map(({ code }) => code), JSON.stringify([entryPoint, constants, access, structs])]
    .join("\0");
  const known = gpu.pipelines.get(key);
  if (known) return known;
  const text = textOf(parts, constants);

  const { device } = gpu;
  const label = `${shader.path} ${entryPoint}`;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code: text.code });
  const { messages } = await module.getCompilationInfo();
  const moduleError = await device.popErrorScope();
  const error = messages.find(({ type }) => type === "error");
  if (error || moduleError) await gpu.checkLoss(`compiling ${label}`);
  if (error) throw compilationError(shader, text, error);
  if (moduleError) throw new ShaderError(shader.path, explain(moduleError.message).reason);
  for (const struct of structs) checkStruct(text, struct);

  device.pushErrorScope("validation");
  const layout = device.createPipelineLayout({
    label,
    bindGroupLayouts: [device.createBindGroupLayout({
      label,
      entries: access.map((use, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        ...LAYOUTS[use],
      })),
    })],
  });
  const pipeline = device.createComputePipeline({
    label,
    layout,
    compute: { module, entryPoint, constants },
  });
  const pipelineError = await device.popErrorScope();
  if (pipelineError) {
    await gpu.checkLoss(`compiling ${label}`);
    throw entryPointError(spec, text, pipelineError.message);
  }
  gpu.pipelines.set(key, pipeline);
  return pipeline;
}
