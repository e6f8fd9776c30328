/**
 * User-defined activations: a function of one number as WGSL expressions, with a float64 reference.
 * @module
 */
import code from "../../shaders/layers/elementwise.wgsl" with { type: "text" };
import type { ElementwiseReference, Graph } from "../graph/graph.ts";
import { ACTIVATIONS, type Value } from "../graph/tensor.ts";
import { type Constants, type DeclarationKind, declare } from "./expressions.ts";
import type { Shader } from "../gpu/shader.ts";

/** Declaration of a user-defined activation. */
export interface ActivationDeclaration<C extends Constants> {
  /** Name in plans and errors: up to 40 characters, without quotes. */
  readonly name: string;
  /** f(x): a WGSL expression of type f32 in `x: f32`. Keep NaN: `max(x, 0.0)` may drop it, `select` not. */
  readonly forward: string;
  /** f'(x): a WGSL expression in `x` alone; at a kink, the derivative of either side. */
  readonly derivative: string;
  /** Named constants for the expressions and `functions`, rounded to float32. */
  readonly constants?: C;
  /** WGSL functions that the expressions call. */
  readonly functions?: string;
  /** Float64 reference, written from the formula; both functions receive the rounded constants. */
  readonly reference: {
    /** f(x). */
    forward(x: number, constants: C): number;
    /** f'(x). */
    derivative(x: number, constants: C): number;
  };
  /** Values of x at which f' jumps; none if absent. gradcheck takes no finite difference across them. */
  readonly kinks?: readonly number[];
}

/** Result of {@link activationOf}. It is immutable; any number of layers and graphs may use it. */
export interface ElementwiseActivation {
  /** Name in plans and errors. */
  readonly name: string;
  /** Shader that computes the function and its derivative. */
  readonly shader: Shader;
  /** Float64 reference, with the kinks in ascending order. */
  readonly reference: ElementwiseReference;
  /** Returns the name, which run folders store. */
  toJSON(): string;
}

const KIND: DeclarationKind = {
  noun: "activation",
  kernel: { path: "shaders/layers/elementwise.wgsl", code },
  parameters: ["x"],
  functions: { forward: "function_forward", derivative: "function_derivative" },
};

/**
 * Creates an activation from WGSL expressions and a float64 reference. `dense`, `tiedDense` and `activation`
 * accept it in place of a name. It costs one dispatch per pass, and stores its input for the backward pass.
 *
 * ```ts
 * import { activationOf, dense, Graph, Parameters } from "@bottleneck/bottleneck";
 *
 * const leaky = activationOf({
 *   name: "leaky",
 *   forward: "select(slope * x, x, x > 0.0)",
 *   derivative: "select(slope, 1.0, x > 0.0)",
 *   constants: { slope: 0.01 },
 *   reference: {
 *     forward: (x, { slope }) => x > 0 ? x : slope * x,
 *     derivative: (x, { slope }) => x > 0 ? 1 : slope,
 *   },
 *   kinks: [0],
 * });
 *
 * const graph = new Graph(64);
 * using parameters = new Parameters(0);
 * const x = graph.input("x", 784);
 * dense(graph, parameters, x, {
 *   label: "encoder.0", outputs: 128, activation: leaky, initializer: "pytorch-linear",
 * });
 * ```
 *
 * @throws InputError if the declaration is incomplete, or has a name or number that WGSL does not allow.
 *   Mistakes that only the compiler sees, such as an unknown name, throw a ShaderError with a position in the
 *   expression when a step is compiled.
 */
export function activationOf<C extends Constants = Record<never, never>>(
  declaration: ActivationDeclaration<C>,
): ElementwiseActivation {
  return make(declaration);
}

/**
 * Creates an activation of the library, which exporters recognize.
 *
 * @param builtIn name of the function in `ACTIVATION_NAMES`
 */
export function builtInActivation<C extends Constants = Record<never, never>>(
  builtIn: string,
  declaration: ActivationDeclaration<C>,
): ElementwiseActivation {
  return make(declaration, builtIn);
}

function make<C extends Constants>(
  declaration: ActivationDeclaration<C>,
  builtIn?: string,
): ElementwiseActivation {
  const { shader, constants, kinks } = declare(KIND, declaration);
  const { name, reference } = declaration;
  const made: ElementwiseActivation = Object.freeze({
    name,
    shader,
    reference: Object.freeze<ElementwiseReference>({
      name,
      forward: (x) => reference.forward(x, constants as C),
      derivative: (x) => reference.derivative(x, constants as C),
      kinks,
      ...(builtIn === undefined ? {} : { builtIn: { name: builtIn, constants } }),
      record: (graph, x, label) => applyActivation(graph, x, { label, activation: made }),
    }),
    toJSON: () => name,
  });
  return made;
}

/** Label of a layer's pre-activations if its activation is a separate node. */
export function labelOfSums(label: string): string {
  return `${label} sums`;
}

/** Returns true for results of {@link activationOf}. */
export function isElementwise(activation: unknown): activation is ElementwiseActivation {
  return (activation as Partial<ElementwiseActivation> | null | undefined)?.shader?.path === KIND.kernel.path;
}

/**
 * Y = f(X), elementwise, as a separate node. See the shader for the formulas.
 *
 * @param x [B, width]
 * @returns [B, width]
 */
export function applyActivation(
  graph: Graph,
  x: Value,
  { label, activation: { name, shader, reference } }: {
    readonly label: string;
    readonly activation: ElementwiseActivation;
  },
): Value {
  const { width } = x;
  const output = graph.value(label, width);
  const size = { invocations: output.tensor.bytes / 16, workgroupSize: 64 };
  graph.add({
    op: "elementwise",
    label,
    inputs: [x],
    parameters: [],
    output,
    attributes: {},
    elementwise: reference,
    forward: () => [{
      label: `${label} ${name} forward`,
      shader,
      entryPoint: "elementwise",
      reads: [x.tensor, undefined],
      writes: [output.tensor],
      settings: { u32: { width, activation: ACTIVATIONS.identity, accumulate: 0 } },
      ...size,
    }],
    backward: (_target, { inputs: [intoX] }) =>
      intoX
        ? [{
          label: `${label} ${name} backward`,
          shader,
          entryPoint: "elementwise_backward",
          reads: [x.tensor, output.gradient],
          writes: [x.gradient],
          settings: {
            u32: { width, activation: ACTIVATIONS[intoX.activation], accumulate: intoX.accumulate },
          },
          ...size,
        }]
        : [],
  });
  return output;
}
