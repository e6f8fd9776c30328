/** A device with one fault at a time in its shaders. */
import assert from "node:assert/strict";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { KERNEL_KINDS, type KernelKind } from "../../src/gpu/product_kernel.ts";
import { describe, plant, type ShaderFault } from "../gradients/faults.ts";

let fault: ShaderFault | undefined;
let isPlanted = false;
let faulty: Promise<Gpu> | undefined;

Deno.test.afterAll(async () => {
  (await faulty)?.destroy();
  faulty = undefined;
});

/** The test module's device that shaders have faults on. */
export function faultyGpu(): Promise<Gpu> {
  faulty ??= openGpu({
    rewriteShader(_part, code, shader) {
      if (!fault || shader !== `shaders/${fault.shader}`) return code;
      const changed = plant(code, fault);
      isPlanted ||= changed !== code;
      return changed;
    },
  });
  return faulty;
}

/**
 * Runs `body` on the test module's faulty device with a fault, where products are computed by the kind of kernel that has
 * it; fails if the shader was not compiled.
 */
export async function withFault<T>(planted: ShaderFault, body: (gpu: Gpu) => Promise<T>): Promise<T> {
  const gpu = await faultyGpu();
  const known = new Set(gpu.pipelines.keys()), before = gpu.kernels;
  fault = planted;
  isPlanted = false;
  gpu.kernels = { kind: variantOf(planted) };
  try {
    return await body(gpu);
  } finally {
    fault = undefined;
    gpu.kernels = before;
    for (const key of gpu.pipelines.keys()) if (!known.has(key)) gpu.pipelines.delete(key);
    assert.ok(isPlanted, `${describe(planted)}: the shader was not compiled`);
  }
}

/** The kind of kernel that a fault belongs to. */
export function variantOf({ shader, kind }: ShaderFault): KernelKind {
  if (shader.includes("/dense_chain_")) return "fused";
  return kind ?? KERNEL_KINDS.find((kind) => shader.endsWith(`_${kind}.wgsl`)) ?? "register";
}
