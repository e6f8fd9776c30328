/**
 * What a step depends on beside the parameters: what checkpoints keep of it.
 * @module
 */

/** All that the next runs and readings of a step depend on, beside the parameters. */
export interface StepState {
  /** How many times it has run. */
  readonly count: number;
  /** Runs since the losses were last read. */
  readonly unread: number;
  /** Rows that they had together. */
  readonly unreadRows: number;
  /** The optimizer's numbers, a map for each kind, by the names of the trainable parameters, in PyTorch's layout. */
  readonly moments: readonly ReadonlyMap<string, Float32Array>[];
  /** The losses of the latest runs, by their number modulo {@link LOSS_RING}: [LOSS_RING, terms]. */
  readonly losses: Float32Array;
  /** The gradients' norms in the same order, [LOSS_RING]; absent without clipping. */
  readonly norms?: Float32Array | undefined;
}
