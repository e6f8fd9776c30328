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
import weightTextureCode from "../../shaders/layers/dense_backward_weight_texture.wgsl" with { type: "text" };
import weightSharedCode from "../../shaders/layers/dense_backward_weight_workgroup.wgsl" with {
  type: "text",
};
import {
  formatKernel,
  type KernelKind,
  type Product,
  type ProductKernel,
  type ProductKind,
  productName,
  type ProductShape,
} from "../gpu/product_kernel.ts";
import type { DeviceTraits } from "./graph.ts";
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
const SHADERS: Readonly<Record<ProductKind, Readonly<Record<KernelKind, Shader>>>> = {
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

/** All shaders of products: what was measured of one version of them says nothing about another. */
export const PRODUCT_SHADERS: readonly Shader[] = [
  ...new Set(Object.values(SHADERS).flatMap((shaders) => Object.values(shaders))),
];

/** How a workgroup computes its tile. */
interface WorkgroupTile {
  readonly rows: number;
  readonly columns: number;
  /** Invocations of the workgroup. */
  readonly invocations: number;
  /** Invocations side by side. */
  readonly across: number;
  /** Terms of the sums that are shared at a time: (rows + columns + 4) · depth floats, at most 16 KiB. */
  readonly depth: number;
}

// The larger the tile, the less often a number is loaded; the smaller, the more workgroups there are. A invocation has from
// two rows × one vec4 to eight rows × two vec4.
const WORKGROUP_TILES: readonly WorkgroupTile[] = [
  { rows: 16, columns: 32, invocations: 64, across: 8, depth: 32 },
  { rows: 32, columns: 32, invocations: 64, across: 8, depth: 32 },
  { rows: 64, columns: 64, invocations: 64, across: 8, depth: 16 },
  { rows: 128, columns: 128, invocations: 256, across: 16, depth: 8 },
];
/** Tiles of a invocation's registers, rows and columns. */
const REGISTER_TILES = [[4, 4], [8, 8], [16, 4], [16, 8], [16, 16], [32, 16], [16, 32]] as const;
/** What a software adapter takes of these, and what a GPU. */
const LARGE = { rows: 16, columns: 16 }, SMALL = { rows: 4, columns: 4 };
/** What is left to registers where large products read textures: as fast as {@link LARGE}, and sooner compiled. */
const MIDDLE = { rows: 16, columns: 8 };
/** Workgroups with which all of a GPU has something to do, about: large ones have some 130 processors. */
const ENOUGH_WORKGROUPS = 128;
/** With fewer rows, columns or terms there is too little to share. */
const WORTH_SHARING = 16;

/** Floating-point operations from which on a product gains more by reading textures than the copies cost. */
const WORTH_COPYING = 2e6;

const flopOf = ({ rows, sum, columns }: ProductShape) => 2 * rows * sum * columns;

/** Whether a device should read a product's matrices from textures. */
function suitsTextures({ prefersTextures }: DeviceTraits, product: ProductShape): boolean {
  return prefersTextures && flopOf(product) >= WORTH_COPYING;
}

/** Every kernel that a kind of product has. */
function kernelsOf(kind: ProductKind): ProductKernel[] {
  return [
    { kind: "naive", rows: 1, columns: 1 },
    ...REGISTER_TILES.map(([rows, columns]) => ({ kind: "register", rows, columns }) as const),
    ...REGISTER_TILES.map(([rows, columns]) => ({ kind: "texture", rows, columns }) as const),
    ...workgroupTiles(kind).map(({ rows, columns }) => ({ kind: "workgroup", rows, columns }) as const),
  ];
}

/** The tiles that a workgroup may have: a invocation of a weight gradient has four rows at least. */
function workgroupTiles(kind: ProductKind): WorkgroupTile[] {
  return WORKGROUP_TILES.filter(({ rows, invocations, across }) =>
    kind !== "Xᵀ·dZ" || rows >= 4 * invocations / across
  );
}

/**
 * The kernels that may well be the fastest of a product: those whose tile is not mostly empty, and the one that the
 * device takes by itself, which is the first.
 */
export function candidates(traits: DeviceTraits, product: Product): ProductKernel[] {
  const own = kernelOf({ ...traits, kernels: { kind: "auto" } }, product);
  const others = kernelsOf(product.kind).filter(({ kind, rows, columns }) =>
    rows < 2 * padded(product.rows) && columns < 2 * padded(product.columns) &&
    (kind !== "texture" || suitsTextures(traits, product)) // the pass that a copy begins is not in a kernel's time
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
 * and Mesa's reads from textures what is worth the copies; a GPU wants many invocations,
 * and shares what they load if there is enough to share.
 */
export function kernelOf(traits: DeviceTraits, product: Product): ProductKernel {
  const { isSoftware, kernels } = traits;
  const tuned = kernels.kind === "auto" ? kernels.tuned?.get(productName(product)) : undefined;
  if (tuned) return tuned;
  const { kind, rows, sum, columns } = product;
  const shares = !isSoftware && Math.min(rows, sum, columns) >= WORTH_SHARING;
  const own = shares ? "workgroup" : suitsTextures(traits, product) ? "texture" : "register";
  const chosen = kernels.kind === "auto" ? own : kernels.kind;
  if (chosen === "naive") return { kind: chosen, rows: 1, columns: 1 };
  if (chosen !== "workgroup") {
    const isMiddle = kernels.kind === "auto" && chosen === "register" && traits.prefersTextures;
    return { kind: chosen, ...(!isSoftware ? SMALL : isMiddle ? MIDDLE : LARGE) };
  }
  const tiles = workgroupTiles(kind);
  const tile = tiles.findLast((tile) => countTiles(product, tile) >= ENOUGH_WORKGROUPS) ?? tiles[0];
  return { kind: chosen, rows: tile.rows, columns: tile.columns };
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
  | "shader"
  | "entryPoint"
  | "textures"
  | "constants"
  | "invocations"
  | "workgroupSize"
  | "flop"
  | "product"
  | "kernel"
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
    ...(kernel.kind === "naive"
      ? naiveLanes(kind, shape)
      : kernel.kind === "workgroup"
      ? workgroupLanes(kind, shape, kernel)
      : registerLanes(kind, shape, kernel)),
  };
}

/** What the rows of a tile are counted in: those of a weight gradient, whose inputs are loaded as vec4, in fours. */
const rowsAtATime = (kind: ProductKind) => kind === "Xᵀ·dZ" ? 4 : 1;

/** How many invocations a kernel has, and its constants. */
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
  // in a batch no taller than splits it evenly: 20 rows are two tiles of ten
  const rows = kind === "Xᵀ·dZ" ? most : Math.ceil(shape.rows / Math.ceil(shape.rows / most));
  return {
    constants: { TILE_ROWS: rows / rowsAtATime(kind), TILE_COLUMNS: columns / 4 },
    invocations: countTiles(shape, { rows, columns }),
  };
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
