/**
 * State of a step that checkpoints store: reading it from the GPU, and writing it back.
 * @module
 */
import { elements, fromArena, toSlot } from "../graph/parameters.ts";
import type { StepParts } from "./step_parts.ts";

/** Numbers of runs and rows in a {@link StepState}. */
export interface StepCounts {
  /** Number of runs. */
  readonly count: number;
  /** Number of runs since losses were last read. */
  readonly unread: number;
  /** Total number of rows of these runs. */
  readonly unreadRows: number;
}

/** State that future runs and readings of a step depend on, except for the parameters. */
export interface StepState extends StepCounts {
  /** Moments of the optimizer, one map per moment, keyed by parameter name, in PyTorch's layout. */
  readonly moments: readonly ReadonlyMap<string, Float32Array>[];
  /** Losses of the latest runs, [LOSS_RING, terms], indexed by the run's number modulo {@link LOSS_RING}. */
  readonly losses: Float32Array;
  /** Gradient norms in the same order, [LOSS_RING]; absent without clipping. */
  readonly norms?: Float32Array | undefined;
}

/**
 * Reads moments and losses, to which it adds the counts; waits for the GPU.
 *
 * @param doing the current activity, for errors
 */
export async function readStepState(
  { gpu, options: { trainable = [] }, buffers: { moments, ring, norms } }: StepParts,
  counts: StepCounts,
  doing: string,
): Promise<StepState> {
  const parts = [ring, ...(norms ? [norms] : []), ...moments].map((buffer) => ({
    buffer,
    offset: 0,
    size: buffer.size,
  }));
  const [losses, ...rest] = await gpu.read(parts, doing);
  return {
    ...counts,
    losses,
    norms: norms && rest.shift(),
    moments: rest.map((arena) =>
      new Map(trainable.map((parameter) => [parameter.name, fromArena(parameter, arena)]))
    ),
  };
}

/**
 * Writes moments and losses back.
 *
 * @throws TypeError if the state does not match the step
 */
export function writeStepState(
  { gpu: { device: { queue } }, options: { trainable = [], label }, buffers }: StepParts,
  { moments, losses, norms }: StepState,
): void {
  const refuse = (what: string): TypeError =>
    new TypeError(`Cannot restore "${label}": ${what} do not match this step`);
  if (4 * losses.length !== buffers.ring.size) throw refuse("the losses");
  if (norms === undefined ? buffers.norms : 4 * norms.length !== buffers.norms?.size) {
    throw refuse("the gradient norms");
  }
  if (moments.length !== buffers.moments.length) throw refuse("the moments");
  for (const [k, values] of moments.entries()) {
    for (const parameter of trainable) {
      const slot = values.get(parameter.name) ?? [];
      if (slot.length !== elements(parameter.shape)) throw refuse(`the moments of "${parameter.name}"`);
      queue.writeBuffer(buffers.moments[k], parameter.offset, toSlot(parameter, slot));
    }
  }
  queue.writeBuffer(buffers.ring, 0, Float32Array.from(losses));
  if (norms) queue.writeBuffer(buffers.norms!, 0, Float32Array.from(norms));
}
