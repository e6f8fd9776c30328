/**
 * Opening the device with the kernels that the flags ask for.
 * @module
 */
import { InputError } from "../errors.ts";
import { type Gpu, openGpu } from "../gpu/device.ts";
import { TEXTURE_FEATURE } from "../gpu/texture.ts";
import { formatKernel, productName } from "../gpu/product_kernel.ts";
import type { Step } from "../graph/step.ts";
import type { KernelsChoice } from "../recipe/common_flags.ts";
import { type Kernels, recallKernels } from "../bench/tuned_kernels.ts";

/** Why texture kernels do not compile, as it reads after a colon. */
const NO_TEXTURES = `this WebGPU lacks WGSL's feature "${TEXTURE_FEATURE}", with which shaders read textures`;

/**
 * Opens the device; products are compiled as asked, and with `auto` as `deno task tune` found, if it was used here.
 *
 * @param variant what `--kernels` says
 * @param isWish whether kernels that this device cannot compile are replaced by `auto`, with a warning
 * @throws InputError when there is no adapter, or, unless it is a wish, when it cannot compile these kernels
 */
export async function openGpuWith(kind: KernelsChoice, isWish: boolean = false): Promise<Gpu> {
  const gpu = await openGpu();
  if (kind === "texture" && !gpu.hasTextures) {
    if (!isWish) {
      gpu.destroy();
      throw new InputError(`Cannot use --kernels texture: ${NO_TEXTURES}; use --kernels auto`);
    }
    console.error(`warning: not using texture kernels: ${NO_TEXTURES}; taking --kernels auto`);
    kind = "auto";
  }
  const tuned = kind === "auto" ? withoutTextures(gpu, recallKernels(gpu.adapterName)) : undefined;
  gpu.kernels = { kind, tuned };
  return gpu;
}

/** What tuning found, less the texture kernels, with a warning, where shaders cannot read textures. */
export function withoutTextures(
  { hasTextures }: Pick<Gpu, "hasTextures">,
  tuned: Kernels | undefined,
): Kernels | undefined {
  if (!tuned || hasTextures) return tuned;
  const kept = new Map([...tuned].filter(([, { kind }]) => kind !== "texture"));
  if (kept.size < tuned.size) {
    console.error(
      `warning: ignoring the texture kernels that were found: ${NO_TEXTURES}; deno task tune measures anew`,
    );
  }
  return kept.size > 0 ? kept : undefined;
}

/** A line for people: what computes, and with which kernels if they are not the adapter's usual ones. */
export function computingOn({ description, kernels: { kind, tuned } }: Gpu): string {
  const chosen = kind !== "auto" ? `${kind} kernels` : tuned ? "the kernels that deno task tune found" : "";
  return `computing on ${description}${chosen && `, with ${chosen}`}`;
}

/** Which products of some steps each kernel computes: together with the flags, what makes a run repeat to the bit. */
export function kernelsIn(steps: readonly Step[]): Record<string, string[]> {
  const kernels: Record<string, string[]> = {};
  for (const { product, kernel } of steps.flatMap(({ dispatches }) => dispatches)) {
    if (!product || !kernel) continue;
    const products = kernels[formatKernel(kernel)] ??= [];
    if (!products.includes(productName(product))) products.push(productName(product));
  }
  return kernels;
}
