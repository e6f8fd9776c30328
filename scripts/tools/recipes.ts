// The recipes by name, for the tools that work on any of them: gradcheck, bench, tune and evaluate.
import type { Dataset } from "../../src/data/dataset.ts";
import { InputError, shown } from "../../src/errors.ts";
import type { Optimizer } from "../../src/graph/compile.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { parseNoise } from "../../src/layers/noise.ts";
import { adam } from "../../src/optim/adam.ts";
import { type Config, type Flag, type FlagSet, restoreConfig } from "../../src/run/flags.ts";
import type { Measured } from "../../src/run/measured.ts";
import * as basic from "../basic.ts";
import * as deep from "../deep.ts";
import * as denoising from "../denoising.ts";
import * as matched from "../matched.ts";
import * as sparse from "../sparse.ts";
import * as stacked from "../stacked.ts";
import * as tied from "../tied.ts";
import * as vae from "../vae.ts";

/** What a tool needs to know of a recipe. */
export interface Recipe {
  /** The network of a run on its data, from the configuration that it stored; errors name `source`. */
  readonly fromConfig: (config: Readonly<Record<string, unknown>>, source: string, data: Dataset) => Measured;
  /** Images per step, unless a flag says otherwise. */
  readonly batchSize: number;
  /** The networks that gradcheck checks, by the flags that make them; the first is the script's default. */
  readonly variants: Readonly<Record<string, Variant>>;
}

/** A network with the optimizer that its flags give it. */
export interface Variant {
  /** Records the network. */
  readonly build: BuildModel;
  /** Its optimizer. */
  readonly optimizer: Optimizer;
}

/** All recipes. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  basic: {
    ...scriptOf(basic),
    variants: {
      "": variant((g, p, x) => basic.model(g, p, x), basic.flags),
      "--code 2": variant(
        (g, p, x) => basic.model(g, p, x, { ...basic.ARCHITECTURE, sizes: [x.width, 2] }),
        basic.flags,
      ),
    },
  },
  deep: {
    ...scriptOf(deep),
    variants: { "": variant((g, p, x) => deep.model(g, p, x), deep.flags) },
  },
  stacked: {
    ...scriptOf(stacked),
    variants: stages(stacked.ARCHITECTURE, {}, stacked.flags),
  },
  denoising: {
    ...scriptOf(denoising),
    variants: Object.fromEntries(
      ["uniform:1", "gaussian:0.3", "mask:0.25"].map((noise) => {
        const corrupt = denoising.corruption(parseNoise(noise), 0, "gradcheck");
        const build: BuildModel = (g, p, x) => stacked.model(g, p, x, { ...stacked.ARCHITECTURE, corrupt });
        return [`--noise ${noise}`, variant(build, denoising.flags)];
      }),
    ),
  },
  sparse: {
    ...scriptOf(sparse),
    variants: {
      ...stages(sparse.ARCHITECTURE, { sparsity: { rho: 0.05, weight: 7.5e-5 } }, sparse.flags),
      "--sparsity-weight 0.1": variant(
        (g, p, x) => stacked.model(g, p, x, { ...sparse.ARCHITECTURE, sparsity: { rho: 0.05, weight: 0.1 } }),
        sparse.flags,
      ),
    },
  },
  tied: {
    ...scriptOf(tied),
    variants: {
      "": variant((g, p, x) => tied.model(g, p, x, new Float32Array(x.width).fill(0.2)), tied.flags),
    },
  },
  vae: {
    ...scriptOf(vae),
    variants: {
      "": variant((g, p, x) => vae.model(g, p, x, { seed: 0 }), vae.flags),
      "--beta 4 --code 2": variant(
        (g, p, x) =>
          vae.model(g, p, x, { seed: 0 }, { ...vae.ARCHITECTURE, sizes: [x.width, 400, 2], beta: 4 }),
        vae.flags,
      ),
    },
  },
  matched: {
    ...scriptOf(matched),
    variants: Object.fromEntries(
      (["mse", "bce", "none"] as const).flatMap((match) =>
        [{}, { tied: true }, { local: true }, { local: true, tied: true }].map(
          (options): [string, Variant] => {
            const { local = false, tied = false } = options;
            return [
              `--match ${match}${local ? " --local" : ""}${tied ? " --tied" : ""}`,
              {
                build: (g, p, x) => matched.model(g, p, x, { ...matched.ARCHITECTURE, match, local, tied }),
                // --local with squared errors collapses at 0.01, and what has collapsed has no gradients to check
                optimizer: adam({
                  learningRate: Math.min(local ? 1e-3 : 1, matched.RATES[match]),
                  epsilon: 1e-7,
                }),
              },
            ];
          },
        )
      ).filter(([flags]) => !flags.startsWith("--match none --local")), // which has no level to stop at
    ),
  },
};

/** A script's own reading of its flags, from what a run stored of them, and its batch size. */
function scriptOf<F extends FlagSet & { readonly batchSize: Flag<number> }>(
  { flags, fromConfig }: {
    readonly flags: F;
    readonly fromConfig: (config: Config<F>, data: Dataset) => Measured;
  },
): Pick<Recipe, "fromConfig" | "batchSize"> {
  return {
    fromConfig: (config, source, data) => fromConfig(restoreConfig(flags, config, source), data),
    batchSize: flags.batchSize.defaultValue,
  };
}

/** Each stage of layer-wise training, and all layers at once. */
function stages(
  architecture: typeof stacked.ARCHITECTURE,
  more: Partial<stacked.LayerwiseOptions>,
  flags: { readonly learningRate: Flag<number> },
): Record<string, Variant> {
  return Object.fromEntries(
    architecture.sizes.slice(1).map((_, stage) => {
      const build: BuildModel = (g, p, x) => stacked.model(g, p, x, { ...architecture, ...more, stage });
      return [`stage ${stage}`, variant(build, flags)];
    }),
  );
}

function variant(build: BuildModel, { learningRate }: { readonly learningRate: Flag<number> }): Variant {
  return { build, optimizer: adam({ learningRate: learningRate.defaultValue }) };
}

/**
 * The recipe of that name.
 *
 * @throws InputError if there is none
 */
export function findRecipe(name: string): Recipe {
  if (!Object.hasOwn(RECIPES, name)) {
    throw new InputError(`Cannot find recipe ${shown(name)}: there are ${Object.keys(RECIPES).join(", ")}`);
  }
  return RECIPES[name];
}
