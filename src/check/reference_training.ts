/**
 * Training steps of a trace in the f64 reference.
 * @module
 */
import type { Graph, LossTerm } from "../graph/graph.ts";
import type { Parameter } from "../graph/parameters.ts";
import type { RandomStream } from "../random.ts";
import { adamUpdate } from "../reference/adam.ts";
import { withRoundingNoise } from "./float32.ts";
import { runReference } from "./reference_graph.ts";
import type { Trace } from "./trace.ts";

/** Result of {@link trainReference}. */
export interface ReferenceTraining {
  /** Loss terms of each step without their weights, by label. */
  readonly losses: readonly ReadonlyMap<string, number>[];
  /** Gradients of the first step by parameter name. */
  readonly firstGradients: ReadonlyMap<string, Float64Array>;
  /** Parameters after the last step, by name. */
  readonly finalParameters: ReadonlyMap<string, Float64Array>;
}

/**
 * Repeats the steps of a trace in float64.
 *
 * @param trainable the parameters that are trained
 * @param roundingNoise random numbers that change every value, gradient and updated parameter by up to one
 *   float32 rounding error
 */
export function trainReference(
  graph: Graph,
  terms: readonly LossTerm[],
  trace: Trace,
  trainable: readonly Parameter[],
  roundingNoise?: RandomStream,
): ReferenceTraining {
  const parameters = new Map([...trace.params].map(([name, { data }]) => [name, Float64Array.from(data)]));
  const zeros = ({ name }: Parameter) => new Float64Array(parameters.get(name)!.length);
  const moments = trainable.map((parameter) => [zeros(parameter), zeros(parameter)] as const);
  const losses: ReadonlyMap<string, number>[] = [];
  let firstGradients: ReadonlyMap<string, Float64Array> | undefined;
  for (const [at, { inputs, rows }] of trace.steps.entries()) {
    const given = new Map([...inputs].map(([label, { data }]) => [label, Float64Array.from(data)]));
    const result = runReference(
      graph,
      terms,
      { parameters, inputs: given, rows },
      roundingNoise ? { roundingNoise } : {},
    );
    losses.push(result.losses);
    firstGradients ??= result.gradients;
    trainable.forEach(({ name }, k) => {
      const values = parameters.get(name)!, [first, second] = moments[k];
      const figures = { ...trace.optimizer, decay: "l2" } as const;
      adamUpdate(values, result.gradients.get(name)!, first, second, at + 1, figures);
      if (roundingNoise) values.forEach((value, i) => values[i] = withRoundingNoise(value, roundingNoise));
    });
  }
  return { losses, firstGradients: firstGradients!, finalParameters: parameters };
}
