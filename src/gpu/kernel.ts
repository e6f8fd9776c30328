/**
 * A kernel: a shader's entry point with its constants, ready to be dispatched. Broken shaders are reported with
 * path, line, column and the source line.
 * @module
 */
import type { Gpu } from "./device.ts";
import { IMAGE_FORMAT } from "./image.ts";
import { unroll, type UnrolledText } from "./unroll.ts";

/** A WGSL file of the project. */
export interface Shader {
  /** Where it is, from the project's root, for messages. */
  readonly path: string;
  /** Its text. */
  readonly code: string;
}

/** How an entry point uses a binding: a buffer that it reads or writes, or an image that it reads. */
export type Access = "read" | "write" | "image";

/** What makes a pipeline: a shader, its entry point, its constants, and how it uses each binding. */
export interface KernelSpec {
  /** The WGSL file. */
  readonly shader: Shader;
  /** The function to run. */
  readonly entryPoint: string;
  /** A value for each `override` without a default; booleans are 0 and 1. */
  readonly constants: Readonly<Record<string, number>>;
  /** Bindings 0, 1, 2, … in order. */
  readonly access: readonly Access[];
}

const LAYOUTS: Record<Access, Omit<GPUBindGroupLayoutEntry, "binding" | "visibility">> = {
  read: { buffer: { type: "read-only-storage" } },
  write: { buffer: { type: "storage" } },
  image: { storageTexture: { access: "read-only", format: IMAGE_FORMAT } },
};

/** {@link unroll}, with the path in its error. */
function unrollShader(path: string, code: string, constants: KernelSpec["constants"]): UnrolledText {
  try {
    return unroll(code, constants);
  } catch (error) {
    throw new Error(`Cannot compile ${path}: ${(error as Error).message}`);
  }
}

/**
 * The pipeline for a kernel, made once per device and set of constants.
 *
 * @throws Error naming the shader's path, line, column and source line, or the entry point and what it lacks
 */
export async function createPipeline(gpu: Gpu, spec: KernelSpec): Promise<GPUComputePipeline> {
  const { shader, entryPoint, constants, access } = spec;
  const key = JSON.stringify([shader.path, entryPoint, constants, access]);
  const known = gpu.pipelines.get(key);
  if (known) return known;

  const written = gpu.rewriteShader(shader.path, shader.code);
  const { code, sourceLines } = unrollShader(shader.path, written, constants);
  const { device } = gpu;
  const label = `${shader.path} ${entryPoint}`;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code });
  const compilation = await module.getCompilationInfo();
  const moduleError = await device.popErrorScope();
  for (const message of compilation.messages) {
    if (message.type !== "error") continue;
    const line = sourceLines[message.lineNum - 1] ?? message.lineNum;
    const source = written.split("\n")[line - 1]?.trim() ?? "";
    const reason = message.message.split("\n").map((text) => text.trim()).filter(Boolean)[0] ??
      "unknown reason";
    throw new Error(`Cannot compile ${shader.path}:${line}:${message.linePos}: ${reason}\n    ${source}`);
  }
  if (moduleError) throw new Error(`Cannot compile ${shader.path}: ${moduleError.message}`);

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
    throw new Error(
      `Cannot make a pipeline of "${entryPoint}" in ${shader.path}: ${pipelineError.message.trim()}`,
    );
  }
  gpu.pipelines.set(key, pipeline);
  return pipeline;
}
