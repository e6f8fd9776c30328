/**
 * Every bound that a check holds results to, with its reason. Loosening one needs a new reason.
 * @module
 */

/** Bounds of the checks. "Of the norm" means |actual - expected| / |expected| over a whole tensor. */
export const TOLERANCES = {
  /**
   * Gradients of a kernel or a whole model on the GPU against the f64 reference, of the norm. float32 sums of up
   * to 1,000 terms are right to about 1e-6; ten times that leaves room for a GPU's own exp and tanh.
   */
  gpuAgainstReference: 1e-5,
  /**
   * Where changing every value by one rounding of float32 at random moves the reference's own gradient or loss by more
   * than a bound over this, the bound is this many times the movement. A kernel's sums of hundreds of roundings are
   * off by 5 to 16 times what one rounding moves (measured: dense layers, sparsity near its minimum).
   */
  roundings: 32,
  /**
   * A bound that rounding has widened beyond this tells a right gradient from a wrong one no more: a wrong sign, factor or
   * index leaves errors from a hundredth upwards.
   */
  telling: 1e-2,
  /** A loss on the GPU against the f64 reference, relative: a sum of up to 1e5 float32 squares, added in a tree. */
  lossAgainstReference: 3e-6,
  /**
   * Single elements of forward values, absolute, for values of about 1. WGSL lets tanh be off by 1e-5 absolute
   * (section 15.7.4), which is what this is.
   */
  forwardElement: 1e-5,
  /**
   * Central differences of the f64 reference against its own gradient, of the largest gradient element. Extrapolated
   * from nine step sizes they are right to 1e-10 for gradients of 1e-4 of the loss, to 1e-6 for gradients of 1e-9.
   */
  referenceDifference: 1e-6,
  /**
   * Central differences of the GPU's float32 forward pass against the GPU's gradient, relative. Rounding and
   * curvature leave 1e-6 to 1e-3; 1e-2 where a gradient is ten thousand times smaller than the loss.
   */
  gpuDifference: 1e-2,
  /** A trace's losses, relative. PyTorch's own float32 stays ten times inside this and the next two. */
  traceLoss: 3e-6,
  /** A trace's first gradients, of each tensor's norm. */
  traceGradient: 5e-6,
  /** A trace's final parameters, of each tensor's norm. */
  traceParameter: 3e-5,
  /** The losses of a whole training and the norms of its gradients, relative: Adam carries rounding from step to step. */
  trainingLoss: 2e-5,
  /** What is measured on test images, and the results table, relative. */
  trainingFigure: 2e-5,
  /** The share of test images whose class their neighbors tell, absolute: distances that are equal but for rounding. */
  trainingAccuracy: 2.5e-3,
  /** Final parameters, of the norm of what training changed in each tensor, beside what float32 rounds in each step. */
  trainingParameter: 5e-4,
} as const;

/**
 * A bound, or what float32 can do at all, if that is more.
 *
 * @param moved how far rounding noise moved the reference in a few runs, in the bound's units
 */
export function boundFor(bound: number, moved: readonly number[]): number {
  return Math.max(bound, TOLERANCES.roundings * Math.max(...moved));
}
