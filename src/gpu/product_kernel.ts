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
 * The kinds of kernel that every product has: `naive`, plain loops, one number a lane; `register`, a tile in the
 * registers of each lane, for software adapters; `workgroup`, a tile that the lanes of a workgroup compute from what they
 * share, for GPUs; `image`, as `register`, from images of both matrices, for Mesa's software driver.
 */
export const VARIANTS = ["naive", "register", "workgroup", "image"] as const;

/** The name of a kind of kernel: see {@link VARIANTS}. */
export type Variant = typeof VARIANTS[number];

/** A kernel of a product: its kind, and the tile of the result that a lane (`workgroup`: a workgroup) computes. */
export interface ProductKernel {
  /** Its kind. */
  readonly variant: Variant;
  /** Rows of the tile at most; 1 if it is naive. */
  readonly rows: number;
  /** Columns of the tile, a multiple of four; 1 if it is naive. */
  readonly columns: number;
}

/** Which kernels a device computes products with. */
export interface KernelPreference {
  /** One kind for all products; `auto` goes by what tuning found and, where that says nothing, by the adapter. */
  readonly variant: Variant | "auto";
  /** What tuning found, by the product's name. */
  readonly tuned?: ReadonlyMap<string, ProductKernel> | undefined;
}

/** `naive`, `register 16×16`: a kernel as tables and files name it. */
export function formatKernel({ variant, rows, columns }: ProductKernel): string {
  return variant === "naive" ? variant : `${variant} ${rows}×${columns}`;
}
