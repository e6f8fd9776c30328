/**
 * The flags of the recipes that train layer by layer, and the stages that follow from them.
 * @module
 */
import { InputError } from "../errors.ts";
import { type StageName, stageName } from "../evaluate/stage_ends.ts";
import { type Flag, flag, integers, toggle } from "./flag_kinds.ts";
import { sizesFlag } from "./sizes.ts";

/** The flags of the recipes that train layer by layer. */
export interface StageFlags {
  /** Widths from pixels to code. */
  readonly sizes: Flag<readonly number[]>;
  /** Epochs of each stage. */
  readonly stages: Flag<readonly number[]>;
  /** Whether only the new layer learns. */
  readonly freeze: Flag<boolean>;
  /** Whether everything is trained at once. */
  readonly endToEnd: Flag<boolean>;
}

/**
 * The flags of the recipes that train layer by layer, with the recipe's own defaults.
 *
 * ```ts
 * import { stageFlags } from "@bottleneck/bottleneck";
 *
 * const flags = stageFlags([784, 1000, 3], [2, 4]); // --sizes, --stages, --freeze, --end-to-end
 * ```
 *
 * @param sizes widths from pixels to code
 * @param stages epochs of each stage
 */
export function stageFlags(sizes: readonly number[], stages: readonly number[]): StageFlags {
  return {
    sizes: sizesFlag(sizes),
    stages: integers(stages, "epochs of each stage, one stage for each layer; 0 leaves it out", { min: 0 }),
    freeze: toggle(false, "in each stage train its own two matrices only, not those of earlier stages"),
    endToEnd: flag("train all layers at once, for as many epochs as the stages have together"),
  };
}

/** A stage of training. */
export interface Stage extends StageName {
  /** Passes over the images. */
  readonly epochs: number;
}

/**
 * The stages in their order; those without epochs are there too, as their layers exist.
 *
 * ```ts
 * import { planStages } from "@bottleneck/bottleneck";
 *
 * const stages = planStages({ sizes: [784, 1000, 3], stages: [2, 4], freeze: false, endToEnd: false });
 * console.log(stages.map(({ label, epochs }) => `${label}: ${epochs}`)); // "stage 0: 2", "stage 1: 4"
 * ```
 *
 * @throws InputError if there are not as many stages as layers, or nothing is to be done, or everything at once is to
 *   leave something frozen
 */
export function planStages(
  { sizes, stages, freeze, endToEnd }: { readonly [K in keyof StageFlags]: StageFlags[K]["defaultValue"] },
): Stage[] {
  const layers = sizes.length - 1;
  if (stages.length !== layers) {
    throw new InputError(
      `Cannot train stages ${stages}: expected ${layers} numbers of epochs, one for each layer of ${sizes}, ` +
        `but received ${stages.length}; use --stages`,
    );
  }
  const epochs = stages.reduce((sum, some) => sum + some, 0);
  if (epochs === 0) throw new InputError(`Cannot train stages ${stages}: expected at least one epoch in all`);
  if (endToEnd && freeze) {
    throw new InputError("Cannot train end to end with --freeze: no layer is trained before the others");
  }
  if (endToEnd) return [{ ...stageName(undefined), epochs }];
  return stages.map((epochs, stage) => ({ ...stageName(stage), epochs }));
}
