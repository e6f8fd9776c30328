// Step time as a function of batch size and width, up to WebGPU's default limits.
import { InputError } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import { dense } from "../layers/dense.ts";
import { squaredError } from "../losses/squared_error.ts";
import { adam } from "../optim/adam.ts";
import { bestProduct, costOf, floorOf, isTimed, timeStep, timeSteps } from "./time_step.ts";
import { type Bench, createBench } from "./bench_step.ts";

const BATCHES = [1, 8, 64, 512, 4096], WIDTHS = [32, 256, 2048, 8192];
const BEYOND = [{ batch: 8192, width: 8192 }, { batch: 1, width: 32768 }]; // not in the table, to reach the limits
const MEASURED = { batch: 512, width: 1024 }; // size at which the best product is measured

/** One cell of the table. */
export interface Growth {
  /** Batch size B. */
  readonly batch: number;
  /** Hidden width W of 784-W-784. */
  readonly width: number;
  /** Milliseconds per step, if it can run. */
  readonly milliseconds?: number;
  /** Floor as a fraction of that time, 0 to about 1; absent if the device has no timestamp queries. */
  readonly floorShare?: number;
  /** Error message of the exceeded limit, if it cannot run. */
  readonly limit?: string;
}

/** Times the training step of 784-W-784 with sigmoids, squared error and Adam. */
export async function measureGrowth(gpu: Gpu): Promise<Growth[]> {
  const places = [...WIDTHS.flatMap((width) => BATCHES.map((batch) => ({ batch, width }))), ...BEYOND];
  const rates = await withBench(gpu, MEASURED, async ({ step }) => {
    const { dispatches, copy } = await timeStep(gpu, step, MEASURED.batch, { rounds: 3 });
    return { product: bestProduct(dispatches.filter(isTimed)), copy };
  });
  const table: Growth[] = [];
  for (const place of places) {
    try {
      table.push(
        await withBench(gpu, place, async ({ step }) => {
          const first = await timeSteps(step, place.batch, 1); // includes compilation by the driver
          const steps = Math.max(1, Math.min(50, Math.round(400 / first)));
          const milliseconds = await timeSteps(step, place.batch, steps);
          const dispatches = step.dispatches.map((dispatch) => costOf(step, dispatch));
          if (!gpu.hasTimestamps) return { ...place, milliseconds };
          return { ...place, milliseconds, floorShare: 1000 * floorOf(dispatches, rates) / milliseconds };
        }),
      );
    } catch (error) {
      if (!(error instanceof InputError || error instanceof RangeError)) throw error;
      table.push({ ...place, limit: error.message });
    }
  }
  return table;
}

/** Formats the table, with a column per width and a row per batch size, followed by the exceeded limits. */
export function formatGrowth(table: readonly Growth[]): string {
  const cell = (batch: number, width: number) => {
    const found = table.find((place) => place.batch === batch && place.width === width);
    if (found?.milliseconds === undefined) return "limit";
    const { milliseconds: ms, floorShare } = found;
    const share = floorShare === undefined ? "" : ` ${(100 * floorShare).toFixed(0).padStart(3)} %`;
    return `${ms < 1000 ? ms.toPrecision(3) : ms.toFixed(0)} ms${share}`;
  };
  return [
    "784-W-784: milliseconds per step, and the floor as a share of it",
    ["batch".padStart(5), ...WIDTHS.map((width) => `W ${width}`.padStart(16))].join(""),
    ...BATCHES.map((batch) =>
      [String(batch).padStart(5), ...WIDTHS.map((width) => cell(batch, width).padStart(16))].join("")
    ),
    ...table.flatMap(({ batch, width, limit }) =>
      limit === undefined ? [] : [`batch ${batch}, W ${width} exceeds a default limit of WebGPU: ${limit}`]
    ),
  ].join("\n");
}

async function withBench<T>(
  gpu: Gpu,
  { batch, width }: { batch: number; width: number },
  body: (bench: Bench) => Promise<T>,
): Promise<T> {
  const build: BuildModel = (graph, parameters, pixels) => {
    const layer = { activation: "sigmoid", initializer: "pytorch-linear" } as const;
    const code = dense(graph, parameters, pixels, { label: "encoder", outputs: width, ...layer });
    const output = dense(graph, parameters, code, { label: "decoder", outputs: pixels.width, ...layer });
    return {
      code,
      output,
      losses: [squaredError(graph, output, pixels, { label: "loss", reduction: "mean" })],
    };
  };
  using parameters = new Parameters(0);
  using bench = await createBench(gpu, parameters, {
    build,
    optimizer: adam({ learningRate: 1e-3 }),
    batchSize: batch,
  });
  return await body(bench);
}
