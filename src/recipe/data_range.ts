/**
 * The range of a data set's values, compared with the range that a recipe can output and its loss can take.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { clampToUnit, countOutside, type Scaling } from "../data/scaling.ts";
import { InputError } from "../errors.ts";
import { printError } from "../terminal.ts";
import type { EvaluatedNetwork } from "./evaluated_network.ts";

type Fitted = Pick<EvaluatedNetwork, "recipe" | "config" | "crossEntropy">;

/** True if a recipe's output cannot leave a range: values outside [0, 1] cannot be learned. */
function isBounded({ recipe: { architecture }, config, crossEntropy }: Fitted): boolean {
  const { outputActivation } = { ...architecture } as { readonly outputActivation?: unknown };
  const activation = config.output ?? outputActivation;
  return crossEntropy !== undefined || activation !== undefined && activation !== "identity";
}

/** Range of the rows that a trained network takes. */
export interface InputRange {
  /** True if the training rows were within [0, 1]; false if that is not known. */
  readonly isUnit: boolean;
  /** True if rows are clamped to [0, 1] for the network, as in training: its cross-entropy needs probabilities. */
  readonly clamps: boolean;
}

/**
 * Returns the range of the rows that a trained network takes.
 *
 * @param scaling scaling of its training data; undefined for a data set of the catalogue
 */
export function inputRange(trained: Fitted, scaling: Scaling | undefined): InputRange {
  const isFree = scaling?.kind === "standard" || scaling?.kind === "none" && trained.config.scale === "none";
  return { isUnit: !isFree || isBounded(trained), clamps: trained.crossEntropy !== undefined };
}

/**
 * Fits a data set to a recipe. Training rows outside [0, 1] are refused where the output is bounded. For a recipe with
 * cross-entropy, whose targets are probabilities, test rows are clamped to [0, 1], with a line that counts them.
 *
 * @throws InputError if training rows are outside the range of the recipe's output
 */
export function fitToRecipe(data: Dataset, evaluated: Fitted): Dataset {
  const { recipe: { name }, config, crossEntropy } = evaluated, { train, test, width } = data;
  if (crossEntropy && config.output !== undefined) {
    throw new InputError(
      `Cannot use --output ${config.output} with ${name}: its cross-entropy needs probabilities; omit it`,
    );
  }
  if (!data.scaling) return data;
  const outside = countOutside(train.images, width);
  if (isBounded(evaluated) && outside > 0) {
    throw new InputError(
      `Cannot train ${name} on values outside [0, 1]: expected its output's range but found others in ${outside} of ` +
        `${train.count} training rows; ` +
        (crossEntropy
          ? "its cross-entropy needs probabilities: use --scale minmax, or another recipe"
          : "use --scale minmax, or give the output no bounds with --output identity"),
    );
  }
  const beyond = crossEntropy ? countOutside(test.images, width) : 0;
  if (beyond === 0 || test.images instanceof Uint8Array) return data;
  printError(
    `warning: ${beyond} of ${test.count} test rows have values outside [0, 1], which the cross-entropy cannot ` +
      "take: clamped",
  );
  return { ...data, test: { ...test, images: clampToUnit(test.images), unclamped: test.images } };
}
