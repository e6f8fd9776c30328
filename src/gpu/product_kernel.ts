/**
 * Matrix products, and the kernels that compute them.
 * @module
 */

/** The operands: input and weights, gradient and transposed weights, or transposed input and gradient. */
export type ProductKind = "X·W" | "dZ·Wᵀ" | "Xᵀ·dZ";

/** Size of a product. The result is [rows, columns]; each of its numbers is a sum of `sum` terms. */
export interface ProductShape {
  /** Rows of the result: B, or I for a weight gradient. */
  readonly rows: number;
  /** Number of terms in each sum. */
  readonly sum: number;
  /** Columns of the result. */
  readonly columns: number;
}

/** A matrix product: its size and its operands. */
export interface Product extends ProductShape {
  /** The operands. */
  readonly kind: ProductKind;
}

/** Name of a product in tables and files: kind, rows, terms and columns, such as `X·W 64×784×128`. */
export function productName({ kind, rows, sum, columns }: Product): string {
  return `${kind} ${rows}×${sum}×${columns}`;
}

/**
 * Kernels for matrix products: `fused`, small layers in a row in one dispatch, and `register` for the others; or one
 * of the kinds of a single product: `naive`, plain loops with one number per invocation; `register`, a
 * tile in the registers of each invocation, for software adapters; `workgroup`, a tile per workgroup,
 * computed from shared memory, for GPUs; `texture`, like `register` with both matrices in textures, for
 * Mesa's llvmpipe.
 */
export const KERNEL_KINDS = ["naive", "register", "workgroup", "texture", "fused"] as const;

/** Name of a kind of kernel: see {@link KERNEL_KINDS}. */
export type KernelKind = typeof KERNEL_KINDS[number];

/** Kind of kernel of a single product. */
export type ProductKernelKind = Exclude<KernelKind, "fused">;

/** A kernel for a product: its kind, and the tile of one invocation (`workgroup`: of one workgroup). */
export interface ProductKernel {
  /** The kind, such as `register`. */
  readonly kind: ProductKernelKind;
  /** Maximum number of rows of the tile; 1 for `naive`. */
  readonly rows: number;
  /** Columns of the tile, a multiple of four; 1 for `naive`. */
  readonly columns: number;
}

/** Choice of the kernels for matrix products. */
export interface KernelPreference {
  /** One kind for all products; `auto` fuses small layers, and for the others follows the tuning results or, if there are none, the adapter. */
  readonly kind: KernelKind | "auto";
  /** Fastest kernels found by tuning, keyed by the product's name. */
  readonly tuned?: ReadonlyMap<string, ProductKernel> | undefined;
}

/** Name of a kernel in tables and files, such as `naive` or `register 16×16`. */
export function formatKernel({ kind, rows, columns }: ProductKernel): string {
  return kind === "naive" ? kind : `${kind} ${rows}×${columns}`;
}
