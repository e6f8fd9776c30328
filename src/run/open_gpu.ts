/**
 * Opening the device with the kernels that the flags ask for.
 * @module
 */
import { type Gpu, openGpu } from "../gpu/device.ts";
import { formatKernel, productName } from "../gpu/product_kernel.ts";
import type { Step } from "../graph/step.ts";
import type { KernelsChoice } from "./common_flags.ts";
import { recallKernels } from "./kernel_memory.ts";

/**
 * Opens the device; products are compiled as asked, and with `auto` as `deno task tune` found, if it was used here.
 *
 * @param variant what `--kernels` says
 * @throws InputError when there is no adapter
 */
export async function openGpuWith(variant: KernelsChoice): Promise<Gpu> {
  const gpu = await openGpu();
  gpu.kernels = { variant, tuned: variant === "auto" ? recallKernels(gpu.adapterName) : undefined };
  return gpu;
}

/** A line for people: what computes, and with which kernels if they are not the adapter's usual ones. */
export function computingOn({ description, kernels: { variant, tuned } }: Gpu): string {
  const chosen = variant !== "auto"
    ? `${variant} kernels`
    : tuned
    ? "the kernels that deno task tune found"
    : "";
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
