/**
 * The tolerances of all checks, each with its reason. Loosening one needs a new reason.
 * @module
 */

/** Tolerances of the checks. "Of the norm" means |actual - expected| / |expected| over a whole tensor. */
export const TOLERANCES = {
  /**
   * Gradients of a kernel or a whole model on the GPU against the f64 reference, of the norm. float32 sums of up
   * to 1,000 terms are accurate to about 1e-6; ten times that leaves room for the GPU's exp and tanh.
   */
  gpuAgainstReference: 1e-5,
  /**
   * Bound as a multiple of the effect of rounding noise: if rounding every value once, at random, changes the
   * reference's gradient or loss by d, the bound is at least this many times d. Sums of hundreds of roundings
   * in a kernel deviate by 5 to 16 times d (measured: dense layers, sparsity near its minimum).
   */
  roundings: 32,
  /**
   * Largest bound that still separates right from wrong gradients: a wrong sign, factor or index causes
   * errors of at least a hundredth.
   */
  telling: 1e-2,
  /** A loss on the GPU against the f64 reference, relative: a sum of up to 1e5 float32 squares, added in a tree. */
  lossAgainstReference: 3e-6,
  /**
   * Single elements of forward values, absolute, for values of about 1: the absolute error that WGSL allows
   * for tanh (section 15.7.4).
   */
  forwardElement: 1e-5,
  /**
   * Central differences of the f64 reference against its own gradient, of the largest gradient element.
   * Extrapolated from nine step sizes they are accurate to 1e-10 for gradients of 1e-4 of the loss, to 1e-6
   * for gradients of 1e-9.
   */
  referenceDifference: 1e-6,
  /**
   * Central differences of the GPU's float32 forward pass against the GPU's gradient, relative. Rounding and
   * curvature cause errors of 1e-6 to 1e-3, and 1e-2 if a gradient is ten thousand times smaller than the
   * loss.
   */
  gpuDifference: 1e-2,
  /** Losses of a trace, relative. PyTorch in float32 stays within a tenth of this and of the next two. */
  traceLoss: 3e-6,
  /** First gradients of a trace, of the norm of each tensor. */
  traceGradient: 5e-6,
  /** Final parameters of a trace, of the norm of each tensor. */
  traceParameter: 3e-5,
  /** Losses and gradient norms of a training run, relative: Adam accumulates rounding over the steps. */
  trainingLoss: 2e-5,
  /** Measurements on test images and the results table, relative. */
  trainingFigure: 2e-5,
  /** Nearest-neighbor accuracy on test images, absolute: rounding reorders nearly equal distances. */
  trainingAccuracy: 2.5e-3,
  /** Final parameters, of the norm of each tensor's change; the rounding of each step is added. */
  trainingParameter: 5e-4,
} as const;

/**
 * Returns a bound, raised to the precision of float32 if that is larger.
 *
 * @param moved changes of the reference in a few runs with rounding noise, in the bound's units
 */
export function boundFor(bound: number, moved: readonly number[]): number {
  return Math.max(bound, TOLERANCES.roundings * Math.max(...moved));
}
