/**
 * Products of matrices, and the ways in which a device may compute them.
 * @module
 */

/** What is multiplied with what: an input with weights, a gradient with transposed ones, an input with a gradient. */
export type ProductKind = "X·W" | "dZ·Wᵀ" | "Xᵀ·dZ";

/** The size of a product: its result is [rows, columns], and each number of it a sum of `sum` terms. */
export interface ProductShape {
  /** Rows of the result: B, or I of a weight gradient. */
  readonly rows: number;
  /** Terms of each sum. */
  readonly sum: number;
  /** Columns of the result. */
  readonly columns: number;
}

/** A product. */
export interface Product extends ProductShape {
  /** Its kind. */
  readonly kind: ProductKind;
}

/** `X·W 64×784×128`: kind, rows, terms and columns of a product, as tables and files name it. */
export function productName({ kind, rows, sum, columns }: Product): string {
  return `${kind} ${rows}×${sum}×${columns}`;
}

/**
 * The kinds of kernel that every product has: `naive`, plain loops, one number a invocation; `register`, a tile in the
 * registers of each invocation, for software adapters; `workgroup`, a tile that the invocations of a workgroup compute from what they
 * share, for GPUs; `texture`, as `register`, from textures of both matrices, for Mesa's software driver.
 */
export const KERNEL_KINDS = ["naive", "register", "workgroup", "texture"] as const;

/** The name of a kind of kernel: see {@link KERNEL_KINDS}. */
export type KernelKind = typeof KERNEL_KINDS[number];

/** A kernel of a product: its kind, and the tile of the result that a invocation (`workgroup`: a workgroup) computes. */
export interface ProductKernel {
  /** Its kind. */
  readonly kind: KernelKind;
  /** Rows of the tile at most; 1 if it is naive. */
  readonly rows: number;
  /** Columns of the tile, a multiple of four; 1 if it is naive. */
  readonly columns: number;
}

/** Which kernels a device computes products with. */
export interface KernelPreference {
  /** One kind for all products; `auto` goes by what tuning found and, where that says nothing, by the adapter. */
  readonly kind: KernelKind | "auto";
  /** What tuning found, by the product's name. */
  readonly tuned?: ReadonlyMap<string, ProductKernel> | undefined;
}

/** `naive`, `register 16×16`: a kernel as tables and files name it. */
export function formatKernel({ kind, rows, columns }: ProductKernel): string {
  return kind === "naive" ? kind : `${kind} ${rows}×${columns}`;
}
