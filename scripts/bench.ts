// Times the deep recipe's training step, and each of its kernels, on this GPU.
// Run: deno task bench    (the same as: deno run scripts/bench.ts; no permission is needed)
// Prints ms per step, images per second, GFLOP/s of each product, and where the time goes. --json for programs.
import { openGpu } from "../src/gpu/device.ts";
import { compile } from "../src/graph/compile.ts";
import { Graph } from "../src/graph/graph.ts";
import { Parameters } from "../src/graph/parameters.ts";
import type { Step } from "../src/graph/step.ts";
import { DeviceImages, gatherBatch } from "../src/layers/gather_batch.ts";
import { RandomStream } from "../src/random.ts";
import { runCommand } from "../src/run/command.ts";
import { flag, integer, parseFlags } from "../src/run/flags.ts";
import { RECIPES } from "./recipes.ts";

const flags = {
  batchSize: integer(64, "images per step", { min: 1, max: 4096 }),
  rounds: integer(9, "rounds, of which the median counts", { min: 1 }),
  steps: integer(100, "steps of a round, with one wait for the GPU at its end", { min: 50, max: 1000 }),
  json: flag("print the figures as JSON"),
};
const WIDTH = 784, IMAGES = 8192;

async function main(): Promise<void> {
  const { batchSize, rounds, steps, json } = parseFlags(
    { name: "bench", description: "Times the deep recipe's training step and its kernels." },
    flags,
    Deno.args,
  );
  using gpu = await openGpu();
  const random = new RandomStream(0, "bench");
  const bytes = Uint8Array.from({ length: IMAGES * WIDTH }, () => random.nextBelow(256));
  using images = new DeviceImages(gpu, "bench", bytes, WIDTH);
  const graph = new Graph(batchSize);
  using parameters = new Parameters(0);
  const { losses } = RECIPES.deep.variants[""].build(graph, parameters, gatherBatch(graph, "pixels", images));
  const began = performance.now();
  using step = await compile(gpu, graph, parameters, {
    label: "bench",
    losses,
    trainable: parameters.all,
    optimizer: RECIPES.deep.variants[""].optimizer,
  });
  step.run({ first: 0, rows: batchSize });
  await step.readLosses();
  const compileMs = performance.now() - began;

  const wall: number[] = [], javascript: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (let k = 0; k < steps; k++) {
      step.run({ first: k * batchSize % (IMAGES - batchSize + 1), rows: batchSize });
    }
    const submitted = performance.now();
    await step.readLosses();
    wall.push((performance.now() - start) / steps);
    javascript.push((submitted - start) / steps);
  }
  const stepMs = median(wall);
  const kernels = gpu.hasTimestamps ? await timeKernels(step, batchSize, rounds) : [];
  const kernelMs = kernels.reduce((sum, { microseconds }) => sum + microseconds, 0) / 1000;
  const result = {
    adapter: gpu.adapterName,
    batchSize,
    stepMs,
    fastestStepMs: Math.min(...wall),
    slowestStepMs: Math.max(...wall),
    imagesPerSecond: 1000 * batchSize / stepMs,
    compileMs,
    kernelMs,
    outsideKernels: Math.max(0, 1 - kernelMs / stepMs),
    kernels,
  };
  if (json) return console.log(JSON.stringify(result, null, 2));

  console.log(`computing on ${gpu.description}`);
  const width = Math.max(...kernels.map(({ label }) => label.length), 0);
  for (const { label, microseconds, gflops } of kernels) {
    const speed = gflops === undefined ? "" : `${gflops.toFixed(1).padStart(9)} GFLOP/s`;
    const share = (microseconds / 10 / stepMs).toFixed(1).padStart(6);
    console.log(`${label.padEnd(width)} ${microseconds.toFixed(0).padStart(7)} µs ${share} % ${speed}`);
  }
  console.log(
    `a step of ${batchSize} images takes ${stepMs.toFixed(2)} ms ` +
      `(${result.fastestStepMs.toFixed(2)} to ${result.slowestStepMs.toFixed(2)} in ${rounds} rounds), ` +
      `${Math.round(result.imagesPerSecond)} images/s; compiling took ${compileMs.toFixed(0)} ms`,
  );
  if (kernels.length === 0) console.log("this device cannot time kernels one by one");
  else {
    console.log(
      `${kernelMs.toFixed(2)} ms in kernels, ${
        (100 * result.outsideKernels).toFixed(1)
      } % of the time outside them`,
    );
  }
}

/** What one more dispatch of each kernel costs, by the difference between passes of few and of many. */
async function timeKernels(
  step: Step,
  rows: number,
  rounds: number,
): Promise<{ label: string; microseconds: number; gflops?: number }[]> {
  const few = 2, many = 10;
  const costs: number[][] = step.dispatches.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const low = await step.profile({ first: 0, rows }, few);
    const high = await step.profile({ first: 0, rows }, many);
    costs.forEach((list, at) => list.push((high[at].microseconds - low[at].microseconds) / (many - few)));
  }
  return step.dispatches.map(({ label, flop }, at) => {
    const microseconds = Math.max(0.01, median(costs[at]));
    return { label, microseconds, ...(flop === undefined ? {} : { gflops: flop / microseconds / 1000 }) };
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

if (import.meta.main) await runCommand(main);
