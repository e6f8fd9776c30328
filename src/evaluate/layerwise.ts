/**
 * Evaluation of layer-wise trained networks: their common rows of the results table.
 * @module
 */
import type { TableRow } from "../report/results_table.ts";
import { codeRanges } from "./code_ranges.ts";
import { measureLosses } from "./evaluate.ts";
import type { RecipeEvaluation, ResultsContext } from "./recipe_evaluation.ts";
import { stageEnds } from "./stage_ends.ts";

/** Options of {@link layerwiseEvaluation}. */
export interface LayerwiseEvaluation {
  /** Noise as in its flag, such as `mask:0.25`; default `none`. */
  readonly noise?: string;
  /** Weight of the term `sparsity`, if there is one. */
  readonly penalty?: number;
  /** Returns the recipe's own rows, which precede the code ranges. */
  readonly rows?: (closing: ResultsContext) => Promise<readonly TableRow[]>;
}

/**
 * Returns the evaluation of a layer-wise trained network.
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

/** Row of the error on noisy test images; the row `this model` is for clean ones. */
async function noisyRow(
  noise: string,
  { gpu, parameters, data, network }: ResultsContext,
): Promise<TableRow> {
  const noisy = network({ purpose: "test" });
  const { reconstruction } = await measureLosses(gpu, noisy, parameters, data.test.images, data.width);
  const unit = `squared error per pixel, from images with ${noise}`;
  return { label: "from noisy images", value: reconstruction, digits: 5, unit };
}

/** Rows of the final losses of each stage. */
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
