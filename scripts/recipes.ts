// The shipped recipes, which tools know by name. Any other script in this folder is found by its name too, if Deno may
// read it; one that stands here is imported without a permission, and is among `all`.

/** What imports each, by name. */
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
