/**
 * Flags and stages of the recipes that train layer by layer.
 * @module
 */
import { InputError } from "../errors.ts";
import { type StageName, stageName } from "../evaluate/stage_ends.ts";
import { type Flag, flag, integers, toggle } from "./flag_kinds.ts";
import { sizesFlag } from "./sizes.ts";

/** The flags of the recipes that train layer by layer. */
export interface StageFlags {
  /** Layer widths from pixels to code. */
  readonly sizes: Flag<readonly number[]>;
  /** Epochs per stage. */
  readonly stages: Flag<readonly number[]>;
  /** Trains only the new layer of each stage. */
  readonly freeze: Flag<boolean>;
  /** Trains all layers at once. */
  readonly endToEnd: Flag<boolean>;
}

/**
 * Declares the flags of the recipes that train layer by layer, with the recipe's own defaults.
 *
 * ```ts
 * import { stageFlags } from "@bottleneck/bottleneck";
 *
 * const flags = stageFlags([784, 1000, 3], [2, 4]); // --sizes, --stages, --freeze, --end-to-end
 * ```
 *
 * @param sizes layer widths from pixels to code
 * @param stages epochs per stage
 */
export function stageFlags(sizes: readonly number[], stages: readonly number[]): StageFlags {
  return {
    sizes: sizesFlag(sizes),
    stages: integers(stages, "epochs per stage, one stage per layer; 0 skips a stage", { min: 0 }),
    freeze: toggle(false, "freeze the layers of earlier stages: each stage trains only its own pair"),
    endToEnd: flag("train all layers at once, for the stages' total number of epochs"),
  };
}

/** A stage of training. */
export interface Stage extends StageName {
  /** Number of training epochs; may be 0. */
  readonly epochs: number;
}

/**
 * Returns the stages in order, including those without epochs, whose layers exist too.
 *
 * ```ts
 * import { planStages } from "@bottleneck/bottleneck";
 *
 * const stages = planStages({ sizes: [784, 1000, 3], stages: [2, 4], freeze: false, endToEnd: false });
 * console.log(stages.map(({ label, epochs }) => `${label}: ${epochs}`)); // "stage 0: 2", "stage 1: 4"
 * ```
 *
 * @throws InputError if there are not as many stages as layers, if no stage has an epoch, or for `endToEnd` with
 *   `freeze`
 */
export function planStages(
  { sizes, stages, freeze, endToEnd }: { readonly [K in keyof StageFlags]: StageFlags[K]["defaultValue"] },
): Stage[] {
  const layers = sizes.length - 1;
  if (stages.length !== layers) {
    throw new InputError(
      `Cannot train stages ${stages}: expected ${layers} numbers of epochs, one for each layer of ${sizes}, ` +
        `but received ${stages.length}; set --stages`,
    );
  }
  const epochs = stages.reduce((sum, some) => sum + some, 0);
  if (epochs === 0) {
    throw new InputError(`Cannot train stages ${stages}: expected at least one epoch in total`);
  }
  if (endToEnd && freeze) {
    throw new InputError("Cannot use --freeze with --end-to-end: there are no earlier stages to freeze");
  }
  if (endToEnd) return [{ ...stageName(undefined), epochs }];
  return stages.map((epochs, stage) => ({ ...stageName(stage), epochs }));
}
