/**
 * State of a step that checkpoints store.
 * @module
 */

/** State that future runs and readings of a step depend on, except for the parameters. */
export interface StepState {
  /** Number of runs. */
  readonly count: number;
  /** Number of runs since losses were last read. */
  readonly unread: number;
  /** Total number of rows of these runs. */
  readonly unreadRows: number;
  /** Moments of the optimizer, one map per moment, keyed by parameter name, in PyTorch's layout. */
  readonly moments: readonly ReadonlyMap<string, Float32Array>[];
  /** Losses of the latest runs, [LOSS_RING, terms], indexed by the run's number modulo {@link LOSS_RING}. */
  readonly losses: Float32Array;
  /** Gradient norms in the same order, [LOSS_RING]; absent without clipping. */
  readonly norms?: Float32Array | undefined;
}
