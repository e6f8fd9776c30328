/**
 * A network, or a part of one, as a function of numbers that the CPU has.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../graph/step.ts";
import type { Value } from "../graph/tensor.ts";

/** What a {@link Forward} is called, and what it takes. */
export interface ForwardOptions {
  /** Its name. */
  readonly label: string;
  /** Columns of its input. */
  readonly width: number;
  /** Rows that it takes at once; more are taken one batch after another. */
  readonly batchSize: number;
}

/** A compiled function from [rows, width] to [rows, outputs], of parameters that may go on learning. */
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
   * Records and compiles it, once.
   *
   * @param gpu the device
   * @param parameters what it shares with whoever trains it
   * @param options its name and its shape
   * @param record records it on a graph, and returns what is to be read
   */
  static async compile(
    gpu: Gpu,
    parameters: Parameters,
    { label, width, batchSize }: ForwardOptions,
    record: (graph: Graph, input: Value) => Value,
  ): Promise<Forward> {
    const graph = new Graph(batchSize);
    const input = graph.input("input", width);
    const output = record(graph, input);
    const step = await compile(gpu, graph, parameters, { label, outputs: [output] });
    return new Forward(step, input, output, batchSize);
  }

  /**
   * The function's values with the parameters as they are now; waits for the GPU.
   *
   * @param input [rows, width], row-major
   * @returns [rows, outputs], row-major
   * @throws RangeError if `input` is no whole number of rows, or none
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

  /** Frees what it owns; the parameters stay. */
  [Symbol.dispose](): void {
    this.#step.destroy();
  }
}
