/**
 * A network, or part of one, as a function on CPU arrays.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../step/step.ts";
import type { Value } from "../graph/tensor.ts";

/** Options of {@link Forward.compile}. */
export interface ForwardOptions {
  /** Name of the function, for labels. */
  readonly label: string;
  /** Number of input columns. */
  readonly width: number;
  /** Number of rows of a batch; more rows are processed in several batches. */
  readonly batchSize: number;
}

/** A compiled function from [rows, width] to [rows, outputs] that follows the current parameters. */
export class Forward implements Disposable {
  readonly #step: Step;
  readonly #input: Value;
  readonly #output: Value;
  readonly #batchSize: number;

  private constructor(step: Step, input: Value, output: Value, batchSize: number) {
    this.#step = step;
    this.#input = input;
    this.#output = output;
    this.#batchSize = batchSize;
  }

  /**
   * Compiles the function.
   *
   * @param gpu the device
   * @param parameters parameters, shared with training
   * @param options name and shape
   * @param record adds the function to a graph and returns its output
   */
  static async compile(
    gpu: Gpu,
    parameters: Parameters,
    { label, width, batchSize }: ForwardOptions,
    record: (graph: Graph, input: Value) => Value,
  ): Promise<Forward> {
    const graph = new Graph(batchSize);
    const input = graph.input("input", width);
    return await Forward.between(gpu, parameters, label, graph, input, record(graph, input));
  }

  /**
   * Compiles the part of a recorded graph that computes one value from another.
   *
   * @param label name of the function
   * @param input any value, given instead of computed
   * @param output a value that depends on no other input
   */
  static async between(
    gpu: Gpu,
    parameters: Parameters,
    label: string,
    graph: Graph,
    input: Value,
    output: Value,
  ): Promise<Forward> {
    const isInput = graph.nodes.some(({ op, output }) => op === "input" && output === input);
    const frozenValues = isInput ? [] : [input];
    const step = await compile(gpu, graph, parameters, { label, outputs: [output], frozenValues });
    return new Forward(step, input, output, graph.batchSize);
  }

  /**
   * Computes the function with the current parameters; waits for the GPU.
   *
   * @param input [rows, width], row-major
   * @returns [rows, outputs], row-major
   * @throws RangeError if `input` is empty or not a whole number of rows
   */
  async run(input: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    const { width } = this.#input;
    const count = input.length / width;
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(
        `Cannot compute "${this.#output.label}": expected a multiple of ${width} numbers, received ${input.length}`,
      );
    }
    const results = new Float32Array(count * this.#output.width);
    for (let first = 0; first < count; first += this.#batchSize) {
      const rows = Math.min(this.#batchSize, count - first);
      this.#step.upload(this.#input, input.subarray(first * width, (first + rows) * width));
      this.#step.run({ first: 0, rows });
      const [some] = await this.#step.read([this.#output], rows);
      results.set(some, first * this.#output.width);
    }
    return results;
  }

  /** Frees the GPU objects, but not the parameters. */
  [Symbol.dispose](): void {
    this.#step.destroy();
  }
}
