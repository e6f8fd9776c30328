/**
 * How networks that are trained layer by layer are measured: the rows that they have in common.
 * @module
 */
import type { TableRow } from "../report/results_table.ts";
import { codeRanges } from "./code_ranges.ts";
import { measureLosses } from "./evaluate.ts";
import type { RecipeEvaluation, ResultsContext } from "./recipe_evaluation.ts";
import { stageEnds } from "./stage_ends.ts";

/** What {@link layerwiseEvaluation} is told. */
export interface LayerwiseEvaluation {
  /** The noise as its flag has it; `none` or absent if there is none. */
  readonly noise?: string;
  /** The weight of the term `sparsity`, if there is one. */
  readonly penalty?: number;
  /** The recipe's own rows, before the ranges of the code. */
  readonly rows?: (closing: ResultsContext) => Promise<readonly TableRow[]>;
}

/**
 * How a network is measured that is trained layer by layer.
 *
 * ```ts
 * import { layerwiseEvaluation } from "@bottleneck/bottleneck";
 *
 * const evaluation = layerwiseEvaluation({ noise: "mask:0.25" }); // for `evaluation` of recipe()
 * ```
 */
export function layerwiseEvaluation(
  { noise = "none", penalty, rows }: LayerwiseEvaluation = {},
): RecipeEvaluation {
  const hasNoise = noise !== "none";
  return {
    hasNoise,
    rows: async (closing) => [
      ...hasNoise ? [await noisyRow(noise, closing)] : [],
      ...stageRows(penalty, closing),
      ...await rows?.(closing) ?? [],
      ...codeRanges(closing.result.codes, closing.result.codeSize),
    ],
  };
}

/** The error on noisy test images; `this model` is the one on clean ones, which differs where noise shifts the mean. */
async function noisyRow(
  noise: string,
  { gpu, parameters, data, network }: ResultsContext,
): Promise<TableRow> {
  const noisy = network({ purpose: "test" });
  const { reconstruction } = await measureLosses(gpu, noisy, parameters, data.test.images, data.width);
  const unit = `squared error per pixel, from images with ${noise}`;
  return { label: "from noisy images", value: reconstruction, digits: 5, unit };
}

/** What each stage ended at. */
function stageRows(penalty: number | undefined, { metrics }: ResultsContext): TableRow[] {
  return stageEnds(metrics).flatMap(({ label, losses: { reconstruction, sparsity } }) => {
    const unit = penalty === undefined ? "squared error per pixel" : "squared error and penalty";
    const value = penalty === undefined ? reconstruction : reconstruction + penalty * sparsity;
    const row = { label: `${label}, last epoch`, value, digits: 5, unit };
    if (penalty === undefined) return [row];
    const error = { label: "  squared error", value: reconstruction, digits: 5 };
    return [row, { ...error, unit: "per pixel, without the penalty" }];
  });
}
