/**
 * Interfaces of optimizers and gradient clipping, and the ranges of the arenas that they update.
 * @module
 */
import type { DeviceTraits } from "../graph/graph.ts";
import { type Parameter, SLOT_ALIGNMENT } from "../graph/parameters.ts";
import type { Dispatch, Tensor } from "../graph/tensor.ts";

/** An update rule. */
export interface Optimizer {
  /** Name and hyperparameters, for the plan. */
  readonly name: string;
  /** Default step size η; `Step.run` can override it. */
  readonly learningRate: number;
  /** Number of moments stored per parameter. */
  readonly moments: number;
  /** Creates the dispatch that updates one range of the arenas; `clip`'s first float scales gradients. */
  update(
    label: string,
    gradients: Tensor,
    parameters: Tensor,
    moments: readonly Tensor[],
    clip: Tensor,
    traits: DeviceTraits,
  ): Dispatch;
  /** Returns `correction_1` and `correction_2` of `struct Step` for step t, counted from 1. */
  corrections(t: number): readonly [number, number];
}

/** A rule that computes one factor for all gradients of a step before the update. */
export interface GradientClip {
  /** Name and hyperparameters, for the plan. */
  readonly name: string;
  /**
   * Creates the dispatches that compute the factor.
   *
   * @param gradients ranges of the trainable parameters' gradients, without others
   * @param clip receives the factor, followed by the norm of the gradients
   * @param norms receives the norm at the step's number modulo {@link LOSS_RING}
   */
  dispatches(gradients: readonly Tensor[], clip: Tensor, norms: Tensor): readonly Dispatch[];
}

/** Merges neighboring trainable slots into ranges, so that the optimizer needs few dispatches. */
export function stretches(
  trainable: readonly Parameter[],
): { name: string; offset: number; bytes: number }[] {
  const result: { name: string; first: Parameter; offset: number; end: number; next: number }[] = [];
  for (const parameter of trainable.toSorted((a, b) => a.offset - b.offset)) {
    const end = parameter.offset + parameter.bytes;
    const next = Math.ceil(end / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    const last = result.at(-1);
    if (last && last.next === parameter.offset) {
      Object.assign(last, { name: `${last.first.name} … ${parameter.name}`, end, next });
    } else result.push({ name: parameter.name, first: parameter, offset: parameter.offset, end, next });
  }
  return result.map(({ name, offset, end }) => ({ name, offset, bytes: end - offset }));
}
