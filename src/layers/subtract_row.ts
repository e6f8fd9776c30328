/**
 * Subtraction of a fixed row, such as the mean of the training images.
 * @module
 */
import code from "../../shaders/layers/subtract_row.wgsl" with { type: "text" };
import type { Graph } from "../graph/graph.ts";
import { passGradient } from "../graph/pass_gradient.ts";
import { padded, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/layers/subtract_row.wgsl", code };

/** Options of {@link subtractRow}. */
export interface SubtractRowOptions {
  /** Name in the graph. */
  readonly label: string;
  /** Row to subtract from every row, [width]. */
  readonly row: ArrayLike<number>;
}

/**
 * Y[b, d] = X[b, d] - row[d]; the gradient flows into X. See the shader for the formulas.
 *
 * ```ts
 * import { Graph, subtractRow } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const y = subtractRow(graph, x, { label: "centered", row: [0.2, 0.5, 0.1] }); // [4, 3]
 * ```
 *
 * @param x [B, width]
 * @returns [B, width]
 * @throws TypeError if the row has another width
 */
export function subtractRow(graph: Graph, x: Value, { label, row }: SubtractRowOptions): Value {
  const { width } = x;
  if (width !== row.length) {
    throw new TypeError(
      `Cannot record subtract row "${label}": expected a row [${width}] but received [${row.length}]`,
    );
  }
  const contents = new Float32Array(padded(width));
  contents.set(row);
  const fixed = { name: `${label} row`, bytes: contents.byteLength, contents };
  const output = graph.value(label, width);
  graph.add({
    op: "subtract row",
    label,
    inputs: [x],
    parameters: [],
    output,
    attributes: {},
    constants: () => Float64Array.from(contents.subarray(0, width)),
    forward: () => [{
      label: `${label} forward`,
      shader: SHADER,
      entryPoint: "subtract_row",
      reads: [x.tensor, fixed],
      writes: [output.tensor],
      settings: { u32: { width } },
      invocations: output.tensor.bytes / 16,
      workgroupSize: 64,
    }],
    backward: (_target, { inputs: [intoX] }) => intoX ? [passGradient(label, output, x, intoX)] : [],
  });
  return output;
}
