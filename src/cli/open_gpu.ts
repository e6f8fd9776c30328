/**
 * Opens the GPU with the kernels that the flags select.
 * @module
 */
import { InputError } from "../errors.ts";
import { printError } from "../terminal.ts";
import { type Gpu, openGpu } from "../gpu/device.ts";
import { TEXTURE_FEATURE } from "../gpu/texture.ts";
import { formatKernel, productName } from "../gpu/product_kernel.ts";
import type { Step } from "../step/step.ts";
import type { KernelsChoice } from "../recipe/common_flags.ts";
import { type Kernels, recallKernels } from "../bench/tuned_kernels.ts";

/** Reason that texture kernels are unavailable, for messages. */
const NO_TEXTURES = `this WebGPU lacks the WGSL language feature "${TEXTURE_FEATURE}"`;

/**
 * Opens the GPU and selects its matrix-product kernels; `auto` uses those found by `deno task tune` on this adapter.
 *
 * @param kind value of `--kernels`
 * @param isWish if true, kernels that this device cannot compile fall back to `auto`, with a warning
 * @throws InputError if there is no adapter, or if it cannot compile the kernels and `isWish` is false
 */
export async function openGpuWith(kind: KernelsChoice, isWish: boolean = false): Promise<Gpu> {
  const gpu = await openGpu();
  if (kind === "texture" && !gpu.hasTextures) {
    if (!isWish) {
      gpu.destroy();
      throw new InputError(`Cannot use --kernels texture: ${NO_TEXTURES}; use --kernels auto`);
    }
    printError(`warning: not using texture kernels: ${NO_TEXTURES}; using --kernels auto`);
    kind = "auto";
  }
  const tuned = kind === "auto" ? withoutTextures(gpu, recallKernels(gpu.adapterName)) : undefined;
  gpu.kernels = { kind, tuned };
  return gpu;
}

/** Removes texture kernels from the tuned ones, with a warning, if shaders cannot read textures. */
export function withoutTextures(
  { hasTextures }: Pick<Gpu, "hasTextures">,
  tuned: Kernels | undefined,
): Kernels | undefined {
  if (!tuned || hasTextures) return tuned;
  const kept = new Map([...tuned].filter(([, { kind }]) => kind !== "texture"));
  if (kept.size < tuned.size) {
    printError(
      `warning: ignoring the tuned texture kernels: ${NO_TEXTURES}; run deno task tune again`,
    );
  }
  return kept.size > 0 ? kept : undefined;
}

/** Returns the line that names the adapter, and the kernels if they are not the adapter's defaults. */
export function computingOn({ description, kernels: { kind, tuned } }: Gpu): string {
  const chosen = kind !== "auto" ? `${kind} kernels` : tuned ? "kernels found by deno task tune" : "";
  return `computing on ${description}${chosen && `, with ${chosen}`}`;
}

/** Matrix products of some steps by kernel; with the same flags and kernels a run is bit-exact. */
export function kernelsIn(steps: readonly Step[]): Record<string, string[]> {
  const kernels: Record<string, string[]> = {};
  for (const dispatch of steps.flatMap(({ dispatches }) => dispatches)) {
    for (const { product, kernel } of dispatch.fused ?? [dispatch]) {
      if (!product || !kernel) continue;
      const products = kernels[dispatch.fused ? "fused" : formatKernel(kernel)] ??= [];
      if (!products.includes(productName(product))) products.push(productName(product));
    }
  }
  return kernels;
}
