// Times the deep recipe's training step beside the same step in TensorFlow.js, in turn, in one run on one adapter.
// Run: deno task bench:rivals    (downloads TensorFlow.js from npm, which nothing else in the project needs)
// Both sides start from the same parameters and see the same batches; their losses are compared, so that both are
// known to do the same work. --json for programs.
import { compare } from "../../src/check/compare.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { RandomStream } from "../../src/random.ts";
import { closingTable } from "../../src/report/closing_table.ts";
import { runCommand } from "../../src/run/command.ts";
import { choice, flag, integer, parseFlags } from "../../src/run/flags.ts";
import { ARCHITECTURE, flags as deepFlags, model } from "../deep.ts";
import { RECIPES } from "../recipes.ts";
import { createTensorflowDeepStep } from "./tensorflow.ts";

const flags = {
  backend: choice(["webgpu", "wasm"], "webgpu", "TensorFlow.js' back end"),
  batchSize: integer(64, "images per step", { min: 1, max: 4096 }),
  rounds: integer(7, "rounds of each side, in turn; medians count", { min: 1 }),
  steps: integer(50, "steps of a round, with one wait at its end", { min: 5, max: 1000 }),
  json: flag("print the figures as JSON"),
};
const WIDTH = 784, BATCHES = 5, LOSS_AGREEMENT = 1e-4, AUTOMATIC = -1;

async function main(): Promise<number> {
  const { backend, batchSize, rounds, steps, json } = parseFlags(
    { name: "bench:rivals", description: "Times our training step beside TensorFlow.js'." },
    flags,
    Deno.args,
  );
  const learningRate = deepFlags.learningRate.defaultValue;
  const random = new RandomStream(0, "bench rivals");
  const bytes = Uint8Array.from({ length: BATCHES * batchSize * WIDTH }, () => random.nextBelow(256));
  using gpu = await openGpu();
  using images = new DeviceImages(gpu, "bench", bytes, WIDTH);
  const graph = new Graph(batchSize);
  using parameters = new Parameters(0);
  const { losses } = model(graph, parameters, gatherBatch(graph, "pixels", images));
  using step = await compile(gpu, graph, parameters, {
    label: "bench",
    losses,
    trainable: parameters.all,
    optimizer: RECIPES.deep.variants[""].optimizer,
  });

  const initial = await parameters.read();
  const tensors = parameters.all.map(({ name, shape }) =>
    [name, { shape, data: initial.get(name)! }] as const
  );
  const sizes = [...ARCHITECTURE.sizes, ...ARCHITECTURE.sizes.toReversed().slice(1)];
  const build = (program: number) =>
    createTensorflowDeepStep({
      backend,
      sizes,
      batchSize,
      parameters: new Map(tensors),
      learningRate,
      flags: { WEBGPU_MATMUL_PROGRAM_TYPE: program },
    });
  const batches = Array.from(
    { length: BATCHES },
    (_, k) =>
      Float32Array.from(bytes.subarray(k * batchSize * WIDTH, (k + 1) * batchSize * WIDTH), (b) => b / 255),
  );

  const program = await fasterProgram(build, batches);
  const rival = await build(program);
  const theirs: number[] = [];
  for (let k = 0; k < BATCHES; k++) {
    step.run({ first: k * batchSize, rows: batchSize });
    rival.step(batches[k]);
    theirs.push(await rival.loss());
  }
  const ours = (await step.readLosses()).values.loss;
  const { normError } = compare(theirs, ours);
  if (!(normError < LOSS_AGREEMENT)) {
    console.error(`the losses differ by ${normError}: ours ${ours.join(", ")}, theirs ${theirs.join(", ")}`);
    return 1;
  }

  const times = { ours: [] as number[], theirs: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    let start = performance.now();
    for (let k = 0; k < steps; k++) step.run({ first: k % BATCHES * batchSize, rows: batchSize });
    await step.readLosses();
    times.ours.push((performance.now() - start) / steps);
    start = performance.now();
    for (let k = 0; k < steps; k++) rival.step(batches[k % BATCHES]);
    await rival.sync();
    times.theirs.push((performance.now() - start) / steps);
  }
  const ratios = times.theirs.map((time, round) => time / times.ours[round]);
  const result = {
    adapter: gpu.adapterName,
    rival: `${rival.name}, matrix product ${program === AUTOMATIC ? "chosen by itself" : program}`,
    batchSize,
    lossDifference: normError,
    ours: spread(times.ours),
    theirs: spread(times.theirs),
    timesAsFast: spread(ratios),
  };
  rival.dispose();
  if (json) console.log(JSON.stringify(result, null, 2));
  else {
    const row = (label: string, { median, least, most }: ReturnType<typeof spread>, unit: string) => ({
      label,
      value: median,
      digits: 2,
      unit: `${unit} (${least.toFixed(2)} to ${most.toFixed(2)})`,
    });
    console.log(`computing on ${gpu.description}; losses agree to ${normError.toExponential(1)}`);
    console.log(closingTable([
      row("Bottleneck", result.ours, "ms a step"),
      row(result.rival, result.theirs, "ms a step"),
      row("ratio, round by round", result.timesAsFast, "times as fast"),
    ]));
  }
  return 0;
}

/** The better of TensorFlow.js' own choice of matrix product and the one that suits software adapters. */
async function fasterProgram(
  build: (program: number) => ReturnType<typeof createTensorflowDeepStep>,
  batches: readonly Float32Array<ArrayBuffer>[],
): Promise<number> {
  let best = { program: AUTOMATIC, time: Infinity };
  for (const program of [AUTOMATIC, 3]) {
    const rival = await build(program);
    for (const batch of batches) rival.step(batch);
    await rival.sync();
    const start = performance.now();
    for (const batch of batches) rival.step(batch);
    await rival.sync();
    const time = performance.now() - start;
    if (time < best.time) best = { program, time };
    rival.dispose();
  }
  return best.program;
}

function spread(values: readonly number[]): { median: number; least: number; most: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  return { median, least: sorted[0], most: sorted[sorted.length - 1] };
}

if (import.meta.main) await runCommand(main);
