/**
 * The range of a data set's values, compared with the range that a recipe can output and its loss can take.
 * @module
 */
import type { Dataset, DatasetSplit } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import type { EvaluatedNetwork } from "./evaluated_network.ts";

/** Number of rows with a value outside [0, 1]. */
function countOutside({ images, count }: DatasetSplit): number {
  if (images instanceof Uint8Array) return 0;
  const width = images.length / count;
  let rows = 0;
  for (let n = 0; n < count; n++) {
    if (images.subarray(n * width, (n + 1) * width).some((value) => !(value >= 0 && value <= 1))) rows++;
  }
  return rows;
}

/**
 * Fits a data set to a recipe. Training rows outside [0, 1] are refused where the output is bounded. For a recipe with
 * cross-entropy, whose targets are probabilities, test rows are clamped to [0, 1], with a line that counts them.
 *
 * @throws InputError if training rows are outside the range of the recipe's output
 */
export function fitToRecipe(
  data: Dataset,
  { recipe, config, crossEntropy }: Pick<EvaluatedNetwork, "recipe" | "config" | "crossEntropy">,
): Dataset {
  const { name, architecture } = recipe;
  const { outputActivation } = { ...architecture } as { readonly outputActivation?: unknown };
  const activation = config.output ?? outputActivation;
  if (crossEntropy && config.output !== undefined) {
    throw new InputError(
      `Cannot use --output ${config.output} with ${name}: its cross-entropy needs probabilities; omit it`,
    );
  }
  if (!data.scaling) return data;
  const isBounded = crossEntropy !== undefined || activation !== undefined && activation !== "identity";
  const outside = countOutside(data.train);
  if (isBounded && outside > 0) {
    throw new InputError(
      `Cannot train ${name} on values outside [0, 1]: expected its output's range but found others in ${outside} of ` +
        `${data.train.count} training rows; ` +
        (crossEntropy
          ? "its cross-entropy needs probabilities: use --scale minmax, or another recipe"
          : "use --scale minmax, or give the output no bounds with --output identity"),
    );
  }
  const beyond = crossEntropy ? countOutside(data.test) : 0;
  if (beyond === 0) return data;
  console.error(
    `warning: ${beyond} of ${data.test.count} test rows have values outside [0, 1], which the cross-entropy cannot ` +
      "take: clamped",
  );
  const images = Float32Array.from(data.test.images, (value) => Math.min(1, Math.max(0, value)));
  return { ...data, test: { ...data.test, images } };
}
