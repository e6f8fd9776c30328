/**
 * The products of dense layers: which kernel computes one, and its dispatch.
 * @module
 */
import naiveCode from "../../shaders/layers/dense_naive.wgsl" with { type: "text" };
import forwardCode from "../../shaders/layers/dense_forward.wgsl" with { type: "text" };
import forwardSharedCode from "../../shaders/layers/dense_forward_workgroup.wgsl" with { type: "text" };
import inputCode from "../../shaders/layers/dense_backward_input.wgsl" with { type: "text" };
import inputSharedCode from "../../shaders/layers/dense_backward_input_workgroup.wgsl" with { type: "text" };
import weightCode from "../../shaders/layers/dense_backward_weight.wgsl" with { type: "text" };
import weightImageCode from "../../shaders/layers/dense_backward_weight_image.wgsl" with { type: "text" };
import weightSharedCode from "../../shaders/layers/dense_backward_weight_workgroup.wgsl" with {
  type: "text",
};
import {
  formatKernel,
  type Product,
  type ProductKernel,
  type ProductKind,
  productName,
  type ProductShape,
  type Variant,
} from "../gpu/product_kernel.ts";
import type { Target } from "./graph.ts";
import { type Dispatch, padded } from "./tensor.ts";
import type { Operands, Shader } from "../gpu/shader.ts";

/** What computes a product, by the name that it has as a register kernel. */
export type ProductEntryPoint =
  | "dense_forward"
  | "tied_backward_input"
  | "dense_backward_input"
  | "tied_forward"
  | "dense_backward_weight";

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
const SHADERS: Readonly<Record<ProductKind, Readonly<Record<Variant, Shader>>>> = {
  "X·W": {
    naive: NAIVE,
    register: shaderOf("dense_forward", forwardCode, "buffer"),
    workgroup: shaderOf("dense_forward_workgroup", forwardSharedCode),
    image: shaderOf("dense_forward", forwardCode, "texture"),
  },
  "dZ·Wᵀ": {
    naive: NAIVE,
    register: shaderOf("dense_backward_input", inputCode, "buffer"),
    workgroup: shaderOf("dense_backward_input_workgroup", inputSharedCode),
    image: shaderOf("dense_backward_input", inputCode, "texture"),
  },
  "Xᵀ·dZ": {
    naive: NAIVE,
    register: shaderOf("dense_backward_weight", weightCode),
    workgroup: shaderOf("dense_backward_weight_workgroup", weightSharedCode),
    image: shaderOf("dense_backward_weight_image", weightImageCode),
  },
};

/** All shaders of products: what was measured of one version of them says nothing about another. */
export const PRODUCT_SHADERS: readonly Shader[] = [
  ...new Set(Object.values(SHADERS).flatMap((shaders) => Object.values(shaders))),
];

/** How a workgroup computes its tile. */
interface WorkgroupTile {
  readonly rows: number;
  readonly columns: number;
  /** Lanes of the workgroup. */
  readonly lanes: number;
  /** Lanes side by side. */
  readonly across: number;
  /** Terms of the sums that are shared at a time: (rows + columns + 4) · depth floats, at most 16 KiB. */
  readonly depth: number;
}

// The larger the tile, the less often a number is loaded; the smaller, the more workgroups there are. A lane has from
// two rows × one vec4 to eight rows × two vec4.
const WORKGROUP_TILES: readonly WorkgroupTile[] = [
  { rows: 16, columns: 32, lanes: 64, across: 8, depth: 32 },
  { rows: 32, columns: 32, lanes: 64, across: 8, depth: 32 },
  { rows: 64, columns: 64, lanes: 64, across: 8, depth: 16 },
  { rows: 128, columns: 128, lanes: 256, across: 16, depth: 8 },
];
/** Tiles of a lane's registers, rows and columns. */
const REGISTER_TILES = [[4, 4], [8, 8], [16, 4], [16, 8], [16, 16], [32, 16], [16, 32]] as const;
/** What a software adapter takes of these, and what a GPU. */
const LARGE = { rows: 16, columns: 16 }, SMALL = { rows: 4, columns: 4 };
/** What is left to registers where large products read images: as fast as {@link LARGE}, and sooner compiled. */
const MIDDLE = { rows: 16, columns: 8 };
/** Workgroups with which all of a GPU has something to do, about: large ones have some 130 processors. */
const ENOUGH_WORKGROUPS = 128;
/** With fewer rows, columns or terms there is too little to share. */
const WORTH_SHARING = 16;

/** Floating-point operations from which on a product gains more by reading images than the copies cost. */
const WORTH_COPYING = 2e6;

const flopOf = ({ rows, sum, columns }: ProductShape) => 2 * rows * sum * columns;

/** Whether a device should read a product's matrices from images. */
function suitsImages({ prefersImages }: Target, product: ProductShape): boolean {
  return prefersImages && flopOf(product) >= WORTH_COPYING;
}

/** Every kernel that a kind of product has. */
function kernelsOf(kind: ProductKind): ProductKernel[] {
  return [
    { variant: "naive", rows: 1, columns: 1 },
    ...REGISTER_TILES.map(([rows, columns]) => ({ variant: "register", rows, columns }) as const),
    ...REGISTER_TILES.map(([rows, columns]) => ({ variant: "image", rows, columns }) as const),
    ...workgroupTiles(kind).map(({ rows, columns }) => ({ variant: "workgroup", rows, columns }) as const),
  ];
}

/** The tiles that a workgroup may have: a lane of a weight gradient has four rows at least. */
function workgroupTiles(kind: ProductKind): WorkgroupTile[] {
  return WORKGROUP_TILES.filter(({ rows, lanes, across }) => kind !== "Xᵀ·dZ" || rows >= 4 * lanes / across);
}

/**
 * The kernels that may well be the fastest of a product: those whose tile is not mostly empty, and the one that the
 * device takes by itself, which is the first.
 */
export function candidates(target: Target, product: Product): ProductKernel[] {
  const own = kernelOf({ ...target, kernels: { variant: "auto" } }, product);
  const others = kernelsOf(product.kind).filter(({ variant, rows, columns }) =>
    rows < 2 * padded(product.rows) && columns < 2 * padded(product.columns) &&
    (variant !== "image" || suitsImages(target, product)) // the pass that a copy begins is not in a kernel's time
  );
  return [own, ...others.filter((kernel) => formatKernel(kernel) !== formatKernel(own))];
}

/** The kernel that a file names, if the product that it names has one of that name. */
export function kernelNamed(product: string, kernel: string): ProductKernel | undefined {
  const kind = Object.values(KINDS).find((kind) => product.startsWith(`${kind} `));
  return kind && kernelsOf(kind).find((known) => formatKernel(known) === kernel);
}

/**
 * The kernel that a device computes a product with: what its user asked for, else what tuning found, else what suits such
 * adapters. A software adapter is bound by loads, so its tiles are as large as registers allow,
 * and Mesa's reads from images what is worth the copies; a GPU wants many lanes,
 * and shares what they load if there is enough to share.
 */
export function kernelOf(target: Target, product: Product): ProductKernel {
  const { isSoftware, kernels } = target;
  const tuned = kernels.variant === "auto" ? kernels.tuned?.get(productName(product)) : undefined;
  if (tuned) return tuned;
  const { kind, rows, sum, columns } = product;
  const shares = !isSoftware && Math.min(rows, sum, columns) >= WORTH_SHARING;
  const own = shares ? "workgroup" : suitsImages(target, product) ? "image" : "register";
  const variant = kernels.variant === "auto" ? own : kernels.variant;
  if (variant === "naive") return { variant, rows: 1, columns: 1 };
  if (variant !== "workgroup") {
    const isMiddle = kernels.variant === "auto" && variant === "register" && target.prefersImages;
    return { variant, ...(!isSoftware ? SMALL : isMiddle ? MIDDLE : LARGE) };
  }
  const tiles = workgroupTiles(kind);
  const tile = tiles.findLast((tile) => countTiles(product, tile) >= ENOUGH_WORKGROUPS) ?? tiles[0];
  return { variant, rows: tile.rows, columns: tile.columns };
}

/** How many tiles a product is cut into. */
function countTiles(
  product: ProductShape,
  tile: { readonly rows: number; readonly columns: number },
): number {
  return Math.ceil(product.rows / tile.rows) * Math.ceil(product.columns / tile.columns);
}

/** What a dispatch has from its product. */
export type ProductDispatch = Pick<
  Dispatch,
  "shader" | "entryPoint" | "images" | "constants" | "lanes" | "workgroup" | "flop" | "product" | "kernel"
>;

/**
 * The part of a dispatch that depends on which kernel computes its product; what it reads and writes, and its settings,
 * are the same with all.
 *
 * @param target what the kernel is chosen by
 * @param entryPoint what computes it
 * @param shape the product's size, without padding
 */
export function dispatchProduct(
  target: Target,
  entryPoint: ProductEntryPoint,
  shape: ProductShape,
): ProductDispatch {
  const kind = KINDS[entryPoint];
  const product = { kind, ...shape };
  const kernel = kernelOf(target, product);
  const { variant } = kernel;
  const shader = SHADERS[kind][variant];
  return {
    shader,
    entryPoint: shader.path === SHADERS[kind].register.path ? entryPoint : `${entryPoint}_${variant}`,
    flop: flopOf(shape),
    images: variant === "image" ? 2 : 0,
    product,
    kernel,
    ...(variant === "naive"
      ? naiveLanes(kind, shape)
      : variant === "workgroup"
      ? workgroupLanes(kind, shape, kernel)
      : registerLanes(kind, shape, kernel)),
  };
}

/** What the rows of a tile are counted in: those of a weight gradient, whose inputs are loaded as vec4, in fours. */
const rowsAtATime = (kind: ProductKind) => kind === "Xᵀ·dZ" ? 4 : 1;

/** How many lanes a kernel has, and its constants. */
type Lanes = Pick<Dispatch, "constants" | "lanes" | "workgroup">;

function naiveLanes(kind: ProductKind, { rows, columns }: ProductShape): Lanes {
  const all = kind === "Xᵀ·dZ" ? padded(rows) : rows; // the rows of a batch are not padded
  return { lanes: all * padded(columns) };
}

function registerLanes(
  kind: ProductKind,
  shape: ProductShape,
  { rows: most, columns }: ProductKernel,
): Lanes {
  // in a batch no taller than splits it evenly: 20 rows are two tiles of ten
  const rows = kind === "Xᵀ·dZ" ? most : Math.ceil(shape.rows / Math.ceil(shape.rows / most));
  return {
    constants: { TILE_ROWS: rows / rowsAtATime(kind), TILE_COLUMNS: columns / 4 },
    lanes: countTiles(shape, { rows, columns }),
  };
}

function workgroupLanes(kind: ProductKind, shape: ProductShape, { rows, columns }: ProductKernel): Lanes {
  const { lanes, across, depth } = WORKGROUP_TILES.find((t) => t.rows === rows && t.columns === columns)!;
  return {
    constants: {
      ACROSS: across,
      TILE_ROWS: rows / (lanes / across) / rowsAtATime(kind),
      TILE_COLUMNS: columns / across / 4,
      DEPTH: kind === "Xᵀ·dZ" ? depth : depth / 4,
    },
    lanes: lanes * countTiles(shape, { rows, columns }),
    workgroup: lanes,
  };
}
