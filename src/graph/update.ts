/**
 * What an optimizer and gradient clipping bring to a step, and the stretches of the arenas that are updated.
 * @module
 */
import { type Parameter, SLOT_ALIGNMENT } from "./parameters.ts";
import type { Dispatch, Tensor } from "./tensor.ts";

/** A rule that turns gradients into updates. */
export interface Optimizer {
  /** Its name and figures, for the plan. */
  readonly name: string;
  /** The step size η, unless a step is run with another. */
  readonly learningRate: number;
  /** How many numbers it keeps for each parameter. */
  readonly moments: number;
  /** The dispatch that updates one stretch of the arenas; it multiplies gradients with the first float of `clip`. */
  update(
    label: string,
    gradients: Tensor,
    parameters: Tensor,
    moments: readonly Tensor[],
    clip: Tensor,
  ): Dispatch;
  /** The two numbers that shaders know as `correction_1` and `correction_2`, at the t-th step, counted from 1. */
  corrections(t: number): readonly [number, number];
}

/** A rule that says what all gradients of a step are multiplied with before the update. */
export interface GradientClip {
  /** Its name and figures, for the plan. */
  readonly name: string;
  /**
   * The dispatches that find the factor.
   *
   * @param gradients the trainable stretches of the gradients, and nothing else
   * @param clip where the factor goes, and the norm of the gradients behind it
   * @param norms where the norm is filed under the step's number modulo {@link LOSS_RING}
   */
  dispatches(gradients: readonly Tensor[], clip: Tensor, norms: Tensor): readonly Dispatch[];
}

/** Neighboring trainable slots as one stretch each, so that the optimizer needs few dispatches. */
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
