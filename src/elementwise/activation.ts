/**
 * Activations that users write: a function of one number as WGSL expressions, beside its float64 twin.
 * @module
 */
import code from "../../shaders/layers/elementwise.wgsl" with { type: "text" };
import type { ElementwiseReference, Graph } from "../graph/graph.ts";
import { ACTIVATIONS, type Value } from "../graph/tensor.ts";
import { type Constants, type DeclarationKind, declare } from "./expressions.ts";
import type { Shader } from "../gpu/shader.ts";

/** An activation as a user writes it. */
export interface ActivationDeclaration<C extends Constants> {
  /** Its name in plans and errors: up to 40 characters, without quotes. */
  readonly name: string;
  /** f(x): a WGSL expression in `x`, an f32, of type f32. Keep NaN: `max(x, 0.0)` would make it 0, `select` does not. */
  readonly forward: string;
  /** f'(x): a WGSL expression in `x` alone. At a kink, either side's. */
  readonly derivative: string;
  /** Numbers that the expressions and `functions` use by name. They are rounded to float32. */
  readonly constants?: C;
  /** WGSL functions that the expressions call. */
  readonly functions?: string;
  /** The same in float64, written from the formula; both are given the rounded constants. */
  readonly reference: {
    /** f(x). */
    forward(x: number, constants: C): number;
    /** f'(x). */
    derivative(x: number, constants: C): number;
  };
  /** Values of x at which f' jumps; none if absent. gradcheck takes no difference across one. */
  readonly kinks?: readonly number[];
}

/** An activation that {@link activationOf} made. It never changes, and any number of layers and graphs may use it. */
export interface ElementwiseActivation {
  /** Its name in plans and errors. */
  readonly name: string;
  /** What computes it. */
  readonly shader: Shader;
  /** Its float64 twin, and its kinks in ascending order. */
  readonly reference: ElementwiseReference;
  /** Its name: what a run folder keeps of it. */
  toJSON(): string;
}

const KIND: DeclarationKind = {
  noun: "activation",
  kernel: { path: "shaders/layers/elementwise.wgsl", code },
  parameters: ["x"],
  functions: { forward: "function_forward", derivative: "function_derivative" },
};

/**
 * An activation from WGSL expressions, with its float64 twin; `dense`, `tiedDense` and `activation` take it in place
 * of a fused one's name. It costs one dispatch forward and one back, and keeps its input for the way back.
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
 * @throws InputError for a declaration that lacks something, or has a name or number that WGSL cannot have. What only
 *   a compiler sees, such as an unknown name, is an error when a step is compiled, and points into the expression.
 */
export function activationOf<C extends Constants = Record<never, never>>(
  declaration: ActivationDeclaration<C>,
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
      record: (graph, x, label) => applyActivation(graph, x, { label, activation: made }),
    }),
    toJSON: () => name,
  });
  return made;
}

/** The label of a layer's sums, which an activation of its own turns into what carries the layer's label. */
export function labelOfSums(label: string): string {
  return `${label} sums`;
}

/** Whether {@link activationOf} made it. */
export function isElementwise(activation: unknown): activation is ElementwiseActivation {
  return (activation as Partial<ElementwiseActivation> | null | undefined)?.shader?.path === KIND.kernel.path;
}

/**
 * Y = g(X), element by element, as a node of its own. The shader holds the maths.
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
