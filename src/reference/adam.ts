/**
 * The specification of Adam, in float64 and plain loops.
 * @module
 */

/** Adam's figures. */
export interface AdamFigures {
  /** η */
  readonly learningRate: number;
  /** β1 and β2 */
  readonly betas: readonly [number, number];
  /** ε */
  readonly epsilon: number;
  /** λ */
  readonly weightDecay: number;
  /** Whether λ shrinks the parameter itself (`decoupled`) or is added to the gradient (`l2`). */
  readonly decay: "l2" | "decoupled";
}

/**
 * The t-th update, in place (Kingma and Ba 2015, algorithm 1; PyTorch's placing of ε).
 *
 * @param parameter the values
 * @param gradient their gradient
 * @param first first moments, 0 before the first update
 * @param second second moments, 0 before the first update
 * @param t which update, counted from 1
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
