/**
 * Losses of two values of one width whose kernel computes the loss and both gradients in one dispatch.
 * @module
 */
import type { Shader } from "../gpu/shader.ts";
import {
  type ElementwiseLossReference,
  type GradientWrite,
  type Graph,
  LOSS_CHUNKS,
  type LossTerm,
  type Reduction,
  REDUCTIONS,
} from "./graph.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "./tensor.ts";

/** Options of a loss. */
export interface LossOptions {
  /** Name in reports. */
  readonly label: string;
  /** `mean` over rows and columns (per pixel), `sample` (per image), or `sum` (per batch). */
  readonly reduction: Reduction;
  /** Factor in the total loss; 1 if absent. */
  readonly weight?: number;
}

/** Kernel of a pair loss. */
export interface PairLossKernel {
  /** The node's op in plans and in the f64 reference. */
  readonly op: string;
  /** Name of the loss in errors. */
  readonly name: string;
  /** What errors call the second value: `a target`. */
  readonly second: string;
  /** The WGSL file. */
  readonly shader: Shader;
  /** Its entry point. */
  readonly entryPoint: string;
  /** Suffixes of the two values in names: `INTO_P`, `ACCUMULATE_P` and, in `struct Loss`, `activation_p` for "p". */
  readonly suffixes: readonly [string, string];
  /** Float64 reference of a user-defined loss. */
  readonly reference?: ElementwiseLossReference;
  /** Called before a gradient to the second value is recorded; throws if the kernel has none. */
  readonly checkSecond?: () => void;
}

/** Throws a TypeError unless two values have the same width, and returns the loss term. */
export function lossTerm(
  graph: Graph,
  { name, second }: Pick<PairLossKernel, "name" | "second">,
  [a, b]: readonly [Value, Value],
  { label, reduction, weight = 1 }: LossOptions,
): LossTerm {
  if (a.width !== b.width) {
    throw new TypeError(
      `Cannot apply ${name} "${label}": expected ${second} [B, ${a.width}] but received [B, ${b.width}]`,
    );
  }
  const partial = { name: `${label} partial sums`, bytes: 4 * graph.batchSize * LOSS_CHUNKS };
  return { label, weight, reduction, partial };
}

/**
 * Records a loss of two values, each of which receives a gradient if it needs one.
 *
 * @param values [B, width] each
 * @throws TypeError if the widths differ
 */
export function recordPairLoss(
  graph: Graph,
  kernel: PairLossKernel,
  values: readonly [Value, Value],
  options: LossOptions,
): LossTerm {
  const term = lossTerm(graph, kernel, values, options);
  const { label, reduction, weight, partial } = term, { shader, entryPoint, reference } = kernel;
  type Into = GradientWrite | undefined;

  function dispatch(...into: readonly [Into, Into]): Dispatch {
    const to = values.filter((_, side) => into[side]).map(({ label }) => label);
    /** A number for each value, by a name with its suffix. */
    const named = (name: (suffix: string) => string, of: (into: Into) => number) =>
      Object.fromEntries(kernel.suffixes.map((suffix, side) => [name(suffix), of(into[side])]));
    return {
      label: to.length > 0 ? `${label} and its gradient to ${to.join(" and ")}` : label,
      shader,
      entryPoint,
      constants: {
        CHUNKS: LOSS_CHUNKS,
        ...named((suffix) => `INTO_${suffix.toUpperCase()}`, (into) => into ? 1 : 0),
        ...named((suffix) => `ACCUMULATE_${suffix.toUpperCase()}`, (into) => into?.accumulate ?? 0),
      },
      reads: values.map(({ tensor }) => tensor),
      writes: [partial, ...values.map(({ gradient }, side) => into[side] && gradient)],
      settings: {
        u32: {
          width: values[0].width,
          reduction: REDUCTIONS[reduction],
          ...named((suffix) => `activation_${suffix}`, (into) => ACTIVATIONS[into?.activation ?? "identity"]),
        },
        f32: { weight },
      },
      invocations: graph.batchSize * LOSS_CHUNKS,
    };
  }

  graph.add({
    op: kernel.op,
    label,
    inputs: values,
    parameters: [],
    term,
    attributes: { reduction, weight },
    ...(reference ? { elementwiseLoss: reference } : {}),
    forward: (_traits, request) => request ? [] : [dispatch(undefined, undefined)],
    backward(_traits, { inputs: [first, second] }) {
      if (second) kernel.checkSecond?.();
      // A buffer cannot be bound twice for writing: if both values are one, its gradients take a dispatch each.
      return values[0] === values[1] && first && second
        ? [dispatch(first, undefined), dispatch(undefined, second)]
        : [dispatch(first, second)];
    },
  });
  return term;
}
