/**
 * A kernel: a shader's entry point with its constants, ready to be dispatched. Broken shaders are reported with
 * path, line, column and the source line.
 * @module
 */
import type { Gpu } from "./device.ts";
import { IMAGE_FORMAT } from "./image.ts";
import { assembleShader, type Shader, type SourceLine } from "./assemble.ts";
import { COMMON_SHADERS } from "./common_shaders.ts";
import { unroll } from "./unroll.ts";

export type { Shader, ShaderPart, SourceLine } from "./assemble.ts";

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

/** A kernel's text as it is compiled, and where each of its lines came from. */
export interface KernelText {
  /** What is compiled. */
  readonly code: string;
  /** For each line of `code`, where it came from. */
  readonly sources: readonly SourceLine[];
}

/**
 * What is compiled for a kernel: its shader's parts, marked loops written out.
 *
 * @param rewrite changes the text of a part; tests plant faults with it
 * @throws Error naming the path, for a loop that cannot be unrolled
 */
export function kernelText(
  { shader, constants }: Pick<KernelSpec, "shader" | "constants">,
  rewrite: (path: string, code: string) => string = (_path, code) => code,
): KernelText {
  const rewritten = ({ path, code }: Shader) => ({ path, code: rewrite(path, code) });
  const common = Object.fromEntries(
    Object.entries(COMMON_SHADERS).map(([name, part]) => [name, rewritten(part)]),
  );
  const { code, sources } = assembleShader(
    { ...rewritten(shader), before: (shader.before ?? []).map(rewritten) },
    common,
  );
  try {
    const unrolled = unroll(code, constants);
    return { code: unrolled.code, sources: unrolled.sourceLines.map((line) => sources[line - 1]) };
  } catch (error) {
    throw new Error(`Cannot compile ${shader.path}: ${(error as Error).message}`);
  }
}

/**
 * The pipeline for a kernel, made once per device and set of constants.
 *
 * @throws Error naming the shader's path, line, column and source line, or the entry point and what it lacks
 */
export async function createPipeline(gpu: Gpu, spec: KernelSpec): Promise<GPUComputePipeline> {
  const { shader, entryPoint, constants, access } = spec;
  const { code, sources } = kernelText(spec, gpu.rewriteShader);
  const key = JSON.stringify([code, entryPoint, constants, access]); // equal texts share a pipeline, equal paths do not
  const known = gpu.pipelines.get(key);
  if (known) return known;

  const { device } = gpu;
  const label = `${shader.path} ${entryPoint}`;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code });
  const compilation = await module.getCompilationInfo();
  const moduleError = await device.popErrorScope();
  for (const message of compilation.messages) {
    if (message.type !== "error") continue;
    const { part, line } = sources[message.lineNum - 1] ?? { part: shader, line: message.lineNum };
    const source = part.code.split("\n")[line - 1]?.trim() ?? "";
    const reason = message.message.split("\n").map((text) => text.trim()).filter(Boolean)[0] ??
      "unknown reason";
    throw new Error(`Cannot compile ${part.path}:${line}:${message.linePos}: ${reason}\n    ${source}`);
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
