/**
 * Activations by name: fused ones and elementwise ones.
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

/** Name of a built-in elementwise activation. */
export type ElementwiseName = "leaky-relu" | "elu" | "softplus" | "silu" | "gelu" | "gelu-tanh";

/** Built-in elementwise activations, with PyTorch's default constants. */
const ELEMENTWISE: Readonly<Record<ElementwiseName, ElementwiseActivation>> = {
  "leaky-relu": leakyRelu(),
  elu: elu(),
  softplus: softplus(),
  silu,
  gelu,
  "gelu-tanh": geluTanh,
};

/** Name of a built-in activation, fused or elementwise. */
export type ActivationName = Activation | ElementwiseName;

/** Names of all built-in activations, the fused ones first. */
export const ACTIVATION_NAMES: readonly ActivationName[] = [
  ...Object.keys(ACTIVATIONS) as Activation[],
  ...Object.keys(ELEMENTWISE) as ElementwiseName[],
];

/** Activation of a layer: the name of a built-in one, or a result of `activationOf`. */
export type ActivationLike = ActivationName | ElementwiseActivation;

/** Returns true if the kernel of the layer computes the activation; an elementwise one is a separate node. */
export function isFused(activation: Activation | ElementwiseActivation): activation is Activation {
  return typeof activation === "string";
}

/**
 * Returns the name of a fused activation, or the elementwise activation itself.
 *
 * @param label label of the layer, for errors
 * @throws InputError if the name is unknown, or the value is not a result of `activationOf`
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
    : "use one of these names, or activationOf()";
  throw new InputError(
    `Cannot record "${label}": expected an activation (${ACTIVATION_NAMES.join(", ")}, or a result of ` +
      `activationOf()) but received ${quote(activation)}; ${advice}`,
  );
}
