/**
 * Building blocks of recipes: flags, stages, noise and evaluation.
 *
 * @module
 */
export {
  anyData,
  isRecipe,
  type NetworkContext,
  type NetworkData,
  networkData,
  networkOf,
  type Recipe,
  recipe,
  type RecipeFlags,
  type RecipeSettings,
  settingsFor,
  trainingFlags,
} from "./recipe.ts";
export {
  activationFlag,
  type AdamFlags,
  adamFlags,
  type CommonDefaults,
  type CommonFlags,
  commonFlags,
  type DatasetName,
  type KernelsChoice,
  kernelsFlag,
  type ScheduleFlags,
  scheduleFlags,
} from "./common_flags.ts";
export {
  choice,
  type Config,
  type Flag,
  flag,
  flagName,
  type FlagSet,
  integer,
  integers,
  number,
  optionalInteger,
  optionalNumber,
  type OptionalRange,
  optionalText,
  pair,
  positional,
  positionals,
  type Range,
  text,
  toggle,
} from "./flag_kinds.ts";
export { codeFlag, sizesFlag, sizesFor } from "./sizes.ts";
export { planStages, type Stage, type StageFlags, stageFlags } from "./stage_flags.ts";
export { codeNoise, corruptPixels, noiseFlag } from "./recipe_noise.ts";
export type { CommandInfo } from "./flags.ts";
export type {
  BuildDecoder,
  NetworkUse,
  Purpose,
  RecipeEvaluation,
  ResultsContext,
} from "../evaluate/recipe_evaluation.ts";
export type { Evaluation } from "../evaluate/evaluate.ts";
export type { WorstReconstruction } from "../evaluate/worst_rows.ts";
export type { StageName } from "../evaluate/stage_ends.ts";
export type { LayerwiseEvaluation } from "../evaluate/layerwise.ts";
export type { Sparsity } from "../evaluate/sparsity.ts";
