// The shipped recipes, by name. Tools find any other script in this folder by name too, if they have read permission;
// those listed here need none, and are included in `all`.

/** Import function of each shipped recipe, by name. */
export const SHIPPED = {
  deep: () => import("./deep.ts"),
  basic: () => import("./basic.ts"),
  stacked: () => import("./stacked.ts"),
  denoising: () => import("./denoising.ts"),
  sparse: () => import("./sparse.ts"),
  tied: () => import("./tied.ts"),
  vae: () => import("./vae.ts"),
  matched: () => import("./matched.ts"),
} as const;
