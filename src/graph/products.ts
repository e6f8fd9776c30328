/**
 * Matrix products of dense layers: the choice of a kernel, and its dispatch.
 * @module
 */
import naiveCode from "../../shaders/layers/dense_naive.wgsl" with { type: "text" };
import forwardCode from "../../shaders/layers/dense_forward.wgsl" with { type: "text" };
import forwardSharedCode from "../../shaders/layers/dense_forward_workgroup.wgsl" with { type: "text" };
import inputCode from "../../shaders/layers/dense_backward_input.wgsl" with { type: "text" };
import inputSharedCode from "../../shaders/layers/dense_backward_input_workgroup.wgsl" with { type: "text" };
import weightCode from "../../shaders/layers/dense_backward_weight.wgsl" with { type: "text" };
import weightTextureCode from "../../shaders/layers/dense_backward_weight_texture.wgsl" with { type: "text" };
import weightSharedCode from "../../shaders/layers/dense_backward_weight_workgroup.wgsl" with {
  type: "text",
};
import {
  formatKernel,
  type Product,
  type ProductKernel,
  type ProductKernelKind,
  type ProductKind,
  productName,
  type ProductShape,
} from "../gpu/product_kernel.ts";
import type { DeviceTraits } from "./graph.ts";
import type { Parameter } from "./parameters.ts";
import { type Dispatch, type LayerPass, padded, type Tensor } from "./tensor.ts";
import type { Operands, Shader } from "../gpu/shader.ts";

/** Entry points of products, named as in the register kernels. */
export type ProductEntryPoint = Exclude<LayerPass, "dense_backward_bias">;

const KINDS: Readonly<Record<ProductEntryPoint, ProductKind>> = {
  dense_forward: "X·W",
  tied_backward_input: "X·W",
  dense_backward_input: "dZ·Wᵀ",
  tied_forward: "dZ·Wᵀ",
  dense_backward_weight: "Xᵀ·dZ",
};

const shaderOf = (name: string, code: string, operands?: Operands): Shader => ({
  path: `shaders/layers/${name}.wgsl`,
  code,
  ...(operands && { operands }),
});
const NAIVE = shaderOf("dense_naive", naiveCode);
const SHADERS: Readonly<Record<ProductKind, Readonly<Record<ProductKernelKind, Shader>>>> = {
  "X·W": {
    naive: NAIVE,
    register: shaderOf("dense_forward", forwardCode, "buffer"),
    workgroup: shaderOf("dense_forward_workgroup", forwardSharedCode),
    texture: shaderOf("dense_forward", forwardCode, "texture"),
  },
  "dZ·Wᵀ": {
    naive: NAIVE,
    register: shaderOf("dense_backward_input", inputCode, "buffer"),
    workgroup: shaderOf("dense_backward_input_workgroup", inputSharedCode),
    texture: shaderOf("dense_backward_input", inputCode, "texture"),
  },
  "Xᵀ·dZ": {
    naive: NAIVE,
    register: shaderOf("dense_backward_weight", weightCode),
    workgroup: shaderOf("dense_backward_weight_workgroup", weightSharedCode),
    texture: shaderOf("dense_backward_weight_texture", weightTextureCode),
  },
};

/** All shaders of products. Tuning results are valid only for the version that they were measured with. */
export const PRODUCT_SHADERS: readonly Shader[] = [
  ...new Set(Object.values(SHADERS).flatMap((shaders) => Object.values(shaders))),
];

/** Tile of a workgroup, and the layout of its invocations. */
interface WorkgroupTile {
  readonly rows: number;
  readonly columns: number;
  readonly invocations: number;
  /** Number of invocations side by side. */
  readonly across: number;
  /** Terms loaded into shared memory at a time: (rows + columns + 4) · depth floats, at most 16 KiB. */
  readonly depth: number;
}

// Larger tiles need fewer loads per number; smaller tiles give more workgroups. An invocation computes from
// two rows × one vec4 to eight rows × two vec4.
const WORKGROUP_TILES: readonly WorkgroupTile[] = [
  { rows: 16, columns: 32, invocations: 64, across: 8, depth: 32 },
  { rows: 32, columns: 32, invocations: 64, across: 8, depth: 32 },
  { rows: 64, columns: 64, invocations: 64, across: 8, depth: 16 },
  { rows: 128, columns: 128, invocations: 256, across: 16, depth: 8 },
];
/** Tiles [rows, columns] in the registers of an invocation. */
const REGISTER_TILES = [[4, 4], [8, 8], [16, 4], [16, 8], [16, 16], [32, 16], [16, 32]] as const;
/** Default register tiles of software adapters and of GPUs. */
const LARGE = { rows: 16, columns: 16 }, SMALL = { rows: 4, columns: 4 };
/** Register tile where large products read textures: as fast as {@link LARGE}, and faster to compile. */
const MIDDLE = { rows: 16, columns: 8 };
/** Approximate number of workgroups that keeps a whole GPU busy: large ones have about 130 processors. */
const ENOUGH_WORKGROUPS = 128;
/** Minimum number of rows, columns and terms at which sharing memory pays off. */
const WORTH_SHARING = 16;

/** Floating-point operations of a product above which reading textures saves more than the copies cost. */
const WORTH_COPYING = 2e6;

const flopOf = ({ rows, sum, columns }: ProductShape) => 2 * rows * sum * columns;

/** Returns true if a device should read a product's matrices from textures. */
function suitsTextures({ prefersTextures }: DeviceTraits, product: ProductShape): boolean {
  return prefersTextures && flopOf(product) >= WORTH_COPYING;
}

/** Lists all kernels for a kind of product. */
function kernelsOf(kind: ProductKind): ProductKernel[] {
  return [
    { kind: "naive", rows: 1, columns: 1 },
    ...REGISTER_TILES.map(([rows, columns]) => ({ kind: "register", rows, columns }) as const),
    ...REGISTER_TILES.map(([rows, columns]) => ({ kind: "texture", rows, columns }) as const),
    ...workgroupTiles(kind).map(({ rows, columns }) => ({ kind: "workgroup", rows, columns }) as const),
  ];
}

/** Lists the workgroup tiles for a kind of product: an invocation of `Xᵀ·dZ` has at least four rows. */
function workgroupTiles(kind: ProductKind): WorkgroupTile[] {
  return WORKGROUP_TILES.filter(({ rows, invocations, across }) =>
    kind !== "Xᵀ·dZ" || rows >= 4 * invocations / across
  );
}

/** Lists the kernels worth timing: the device's default first, then those whose tile is not mostly empty. */
export function candidates(traits: DeviceTraits, product: Product): ProductKernel[] {
  const own = kernelOf({ ...traits, kernels: { kind: "auto" } }, product);
  const others = kernelsOf(product.kind).filter(({ kind, rows, columns }) =>
    rows < 2 * padded(product.rows) && columns < 2 * padded(product.columns) &&
    (kind !== "texture" || suitsTextures(traits, product)) // a kernel's time excludes the copies
  );
  return [own, ...others.filter((kernel) => formatKernel(kernel) !== formatKernel(own))];
}

/** Looks up a kernel by the names of its product and itself; undefined if there is none. */
export function kernelNamed(product: string, kernel: string): ProductKernel | undefined {
  const kind = Object.values(KINDS).find((kind) => product.startsWith(`${kind} `));
  return kind && kernelsOf(kind).find((known) => formatKernel(known) === kernel);
}

/**
 * Chooses the kernel for a product: the user's choice, else the tuning result, else the adapter's default.
 * Software adapters are bound by loads, so their tiles are as large as registers allow, and Mesa's driver
 * reads large products from textures; GPUs need many invocations, which share loads in workgroup memory if
 * the product is large enough.
 */
export function kernelOf(traits: DeviceTraits, product: Product): ProductKernel {
  const { isSoftware, kernels } = traits;
  const tuned = kernels.kind === "auto" ? kernels.tuned?.get(productName(product)) : undefined;
  if (tuned) return tuned;
  const { kind, rows, sum, columns } = product;
  const shares = !isSoftware && Math.min(rows, sum, columns) >= WORTH_SHARING;
  const own = shares ? "workgroup" : suitsTextures(traits, product) ? "texture" : "register";
  const chosen = kernels.kind === "auto" ? own : kernels.kind === "fused" ? "register" : kernels.kind;
  if (chosen === "naive") return { kind: chosen, rows: 1, columns: 1 };
  if (chosen !== "workgroup") {
    const isMiddle = kernels.kind === "auto" && chosen === "register" && traits.prefersTextures;
    return { kind: chosen, ...(!isSoftware ? SMALL : isMiddle ? MIDDLE : LARGE) };
  }
  const tiles = workgroupTiles(kind);
  const tile = tiles.findLast((tile) => countTiles(product, tile) >= ENOUGH_WORKGROUPS) ?? tiles[0];
  return { kind: chosen, rows: tile.rows, columns: tile.columns };
}

/** Number of tiles of a product. */
function countTiles(
  product: ProductShape,
  tile: { readonly rows: number; readonly columns: number },
): number {
  return Math.ceil(product.rows / tile.rows) * Math.ceil(product.columns / tile.columns);
}

/** Fields of a dispatch that depend on its product. */
export type ProductDispatch = Pick<
  Dispatch,
  | "shader"
  | "entryPoint"
  | "textures"
  | "constants"
  | "invocations"
  | "workgroupSize"
  | "flop"
  | "product"
  | "kernel"
  | "pass"
>;

/**
 * Creates the fields of a dispatch that depend on the kernel of its product; its reads, writes and settings
 * are the same for all kernels.
 *
 * @param traits properties of the device
 * @param entryPoint entry point of the register kernel
 * @param shape the product's size, without padding
 */
export function dispatchProduct(
  traits: DeviceTraits,
  entryPoint: ProductEntryPoint,
  shape: ProductShape,
): ProductDispatch {
  const kind = KINDS[entryPoint];
  const product = { kind, ...shape };
  const kernel = kernelOf(traits, product);
  const shader = SHADERS[kind][kernel.kind];
  return {
    shader,
    entryPoint: shader.path === SHADERS[kind].register.path ? entryPoint : `${entryPoint}_${kernel.kind}`,
    flop: flopOf(shape),
    textures: kernel.kind === "texture" ? 2 : 0,
    product,
    kernel,
    pass: entryPoint,
    ...(kernel.kind === "naive"
      ? naiveLanes(kind, shape)
      : kernel.kind === "workgroup"
      ? workgroupLanes(kind, shape, kernel)
      : registerLanes(kind, shape, kernel)),
  };
}

/**
 * Returns the tensor that a product reads its weight from, and the index of the weight's first vec4 in it: texture
 * kernels read the arena of all parameters, so that one copy into a texture serves all layers.
 */
export function weightOperand(
  { kernel }: ProductDispatch,
  weight: Parameter,
): { tensor: Tensor; at: number } {
  return kernel?.kind === "texture"
    ? { tensor: weight.arenas.values, at: weight.offset / 16 }
    : { tensor: weight.tensor, at: 0 };
}

/** Rows of a tile per unit of TILE_ROWS: 4 for weight gradients, which load their inputs as vec4. */
const rowsAtATime = (kind: ProductKind) => kind === "Xᵀ·dZ" ? 4 : 1;

/** Number of invocations of a kernel, its workgroup size and its constants. */
type Invocations = Pick<Dispatch, "constants" | "invocations" | "workgroupSize">;

function naiveLanes(kind: ProductKind, { rows, columns }: ProductShape): Invocations {
  const all = kind === "Xᵀ·dZ" ? padded(rows) : rows; // the rows of a batch are not padded
  return { invocations: all * padded(columns) };
}

function registerLanes(
  kind: ProductKind,
  shape: ProductShape,
  { rows: most, columns }: ProductKernel,
): Invocations {
  const rows = kind === "Xᵀ·dZ" ? most : evenRows(shape.rows, most);
  return {
    constants: { TILE_ROWS: rows / rowsAtATime(kind), TILE_COLUMNS: columns / 4 },
    invocations: countTiles(shape, { rows, columns }),
  };
}

/** Tile of an invocation in a chain, and the layout of a workgroup. */
export interface ChainTile {
  readonly rows: number;
  readonly columns: number;
  readonly workgroupSize: number;
  /** Number of invocations side by side. */
  readonly across: number;
}

/**
 * Chooses the tiles of a chain. A GPU needs many invocations, which wait for each other after each layer. A software
 * adapter is slow at waiting, so there each invocation has rows of its own.
 */
export function chainTile({ isSoftware }: DeviceTraits): ChainTile {
  return isSoftware
    ? { rows: 4, columns: 16, workgroupSize: 8, across: 1 }
    : { rows: 4, columns: 4, workgroupSize: 64, across: 32 };
}

/** Tile of an invocation in the weight gradients of several layers. */
export function weightsTile(
  { isSoftware, prefersTextures }: DeviceTraits,
): { rows: number; columns: number } {
  return !isSoftware ? SMALL : prefersTextures ? MIDDLE : LARGE;
}

/** Height of tiles of equal height over a batch: 20 rows are two tiles of ten. */
function evenRows(batchSize: number, most: number): number {
  return Math.ceil(batchSize / Math.ceil(batchSize / most));
}

function workgroupLanes(
  kind: ProductKind,
  shape: ProductShape,
  { rows, columns }: ProductKernel,
): Invocations {
  const { invocations, across, depth } = WORKGROUP_TILES.find((t) =>
    t.rows === rows && t.columns === columns
  )!;
  return {
    constants: {
      ACROSS: across,
      TILE_ROWS: rows / (invocations / across) / rowsAtATime(kind),
      TILE_COLUMNS: columns / across / 4,
      DEPTH: kind === "Xᵀ·dZ" ? depth : depth / 4,
    },
    invocations: invocations * countTiles(shape, { rows, columns }),
    workgroupSize: invocations,
  };
}
