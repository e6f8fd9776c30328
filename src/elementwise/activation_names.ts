/**
 * Activations by name: the fused ones, and those that ship as elementwise ones.
 * @module
 */
import { InputError, quote } from "../errors.ts";
import { type Activation, ACTIVATIONS } from "../graph/tensor.ts";
import { type ElementwiseActivation, isElementwise } from "./activation.ts";
import { elu } from "./elu.ts";
import { gelu, geluTanh } from "./gelu.ts";
import { leakyRelu } from "./leaky_relu.ts";
import { silu } from "./silu.ts";
import { softplus } from "./softplus.ts";

/** The name of a shipped elementwise activation. */
export type ElementwiseName = "leaky-relu" | "elu" | "softplus" | "silu" | "gelu" | "gelu-tanh";

/** They themselves, with PyTorch's default constants. */
const ELEMENTWISE: Readonly<Record<ElementwiseName, ElementwiseActivation>> = {
  "leaky-relu": leakyRelu(),
  elu: elu(),
  softplus: softplus(),
  silu,
  gelu,
  "gelu-tanh": geluTanh,
};

/** The name of a shipped activation, fused or not. */
export type ActivationName = Activation | ElementwiseName;

/** The names of all shipped activations, the fused ones first. */
export const ACTIVATION_NAMES: readonly ActivationName[] = [
  ...Object.keys(ACTIVATIONS) as Activation[],
  ...Object.keys(ELEMENTWISE) as ElementwiseName[],
];

/** Whatever a layer takes as its activation: the name of a shipped one, or one that `activationOf` made. */
export type ActivationLike = ActivationName | ElementwiseActivation;

/** Whether a layer's own kernel computes it; an elementwise activation is a node of its own. */
export function isFused(activation: Activation | ElementwiseActivation): activation is Activation {
  return typeof activation === "string";
}

/**
 * The fused activation's name, or the elementwise activation.
 *
 * @param label the layer's, for errors
 * @throws InputError naming the layer, for an unknown name and for what `activationOf` did not make
 */
export function resolveActivation(
  label: string,
  activation: ActivationLike,
): Activation | ElementwiseActivation {
  if (isElementwise(activation)) return activation;
  if (Object.hasOwn(ACTIVATIONS, activation)) return activation as Activation;
  if (Object.hasOwn(ELEMENTWISE, activation)) return ELEMENTWISE[activation as ElementwiseName];
  const advice = typeof activation === "function"
    ? "call it, as in elu()"
    : "use one of these names, or make it";
  throw new InputError(
    `Cannot record "${label}": expected an activation (${ACTIVATION_NAMES.join(", ")}, or what ` +
      `activationOf() made) but received ${quote(activation)}; ${advice}`,
  );
}
