/**
 * The ways in which a device may compute a product of matrices.
 * @module
 */

/**
 * The kinds of kernel that every product has: `naive`, plain loops, one number a lane; `register`, a tile in the
 * registers of each lane, for software adapters; `workgroup`, a tile that the lanes of a workgroup compute from what they
 * share, for GPUs.
 */
export const VARIANTS = ["naive", "register", "workgroup"] as const;

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
