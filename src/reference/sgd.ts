/**
 * Specification of stochastic gradient descent with momentum, in float64 and plain loops.
 * @module
 */

/** Hyperparameters of SGD. */
export interface SgdFigures {
  /** η */
  readonly learningRate: number;
  /** μ */
  readonly momentum: number;
  /** True for Nesterov momentum. */
  readonly nesterov: boolean;
  /** λ, added to the gradient as λ·p. */
  readonly weightDecay: number;
}

/**
 * Applies one update in place (torch.optim.SGD with dampening 0; Sutskever et al. 2013).
 *
 * @param parameter the values
 * @param gradient their gradient
 * @param velocity 0 before the first update, so that the first velocity is the gradient
 */
export function sgdUpdate(
  parameter: Float64Array,
  gradient: Float64Array,
  velocity: Float64Array,
  { learningRate, momentum, nesterov, weightDecay }: SgdFigures,
): void {
  for (let k = 0; k < parameter.length; k++) {
    const g = gradient[k] + weightDecay * parameter[k];
    velocity[k] = momentum * velocity[k] + g;
    const direction = nesterov ? g + momentum * velocity[k] : velocity[k];
    parameter[k] -= learningRate * direction;
  }
}
