/**
 * Specification of Adam, in float64 and plain loops.
 * @module
 */

/** Hyperparameters of Adam. */
export interface AdamFigures {
  /** η */
  readonly learningRate: number;
  /** β1 and β2 */
  readonly betas: readonly [number, number];
  /** ε */
  readonly epsilon: number;
  /** λ */
  readonly weightDecay: number;
  /** `decoupled`: p shrinks by η·λ·p; `l2`: λ·p is added to the gradient. */
  readonly decay: "l2" | "decoupled";
}

/**
 * Applies the t-th update in place (Kingma and Ba 2015, algorithm 1, with ε placed as in PyTorch).
 *
 * @param parameter the values
 * @param gradient their gradient
 * @param first first moments, 0 before the first update
 * @param second second moments, 0 before the first update
 * @param t number of the update, from 1
 */
export function adamUpdate(
  parameter: Float64Array,
  gradient: Float64Array,
  first: Float64Array,
  second: Float64Array,
  t: number,
  { learningRate, betas: [beta1, beta2], epsilon, weightDecay, decay }: AdamFigures,
): void {
  for (let k = 0; k < parameter.length; k++) {
    let g = gradient[k];
    if (decay === "decoupled") parameter[k] -= learningRate * weightDecay * parameter[k];
    else g += weightDecay * parameter[k];
    first[k] = beta1 * first[k] + (1 - beta1) * g;
    second[k] = beta2 * second[k] + (1 - beta2) * g * g;
    const firstCorrected = first[k] / (1 - beta1 ** t);
    const secondRoot = Math.sqrt(second[k]) / Math.sqrt(1 - beta2 ** t);
    parameter[k] -= learningRate * firstCorrected / (secondRoot + epsilon);
  }
}
