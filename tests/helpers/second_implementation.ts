/**
 * What a second implementation of WebGPU is held to: self-tests, traces, gradients, five steps of deep, NaN. The same
 * code runs in Deno and, served by `page_server.ts`, in a page: it uses `src/core.ts`, the checks and the recipes'
 * networks, and calls nothing of Deno, Node or npm. Its results can leave a page.
 * @module
 */
import { SHIPPED } from "../../scripts/recipes.ts";
import { checkEveryOp } from "../../src/check/every_op.ts";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck, type GradcheckReport } from "../../src/check/gradcheck.ts";
import { type Deviation, formatReplay, replay } from "../../src/check/replay.ts";
import { runSelfTest, SELF_TESTS } from "../../src/check/self_tests/self_tests.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { parseTrace } from "../../src/check/trace.ts";
import { checkFunctions, type FunctionCheck } from "../../src/check/pointwise.ts";
import {
  type Activation,
  activation,
  ACTIVATION_NAMES,
  ACTIVATIONS,
  adam,
  compile,
  dense,
  DeviceImages,
  Diverged,
  gatherBatch,
  type Gpu,
  Graph,
  huber,
  type KernelKind,
  openGpu,
  Parameters,
  squaredError,
} from "../../src/core.ts";
import { isRecipe, type Recipe } from "../../src/recipe/recipe.ts";
import { traceNetwork } from "../../src/recipe/trace_network.ts";
import { findWrongExtremes } from "./extremes.ts";
import { recipeNetwork } from "./recipe_network.ts";

/** A kind of kernel, and the text that the compiler is given: as the files have it, or with marked loops unrolled. */
export interface Kernels {
  readonly kind: KernelKind;
  readonly text: "plain" | "unrolled";
}

/** Deviations that {@link checkKernels} measures, in the order of their columns. */
export const DEVIATIONS = [
  "losses",
  "first gradients",
  "final parameters",
  "every op",
  "differences",
] as const;

/** Result of {@link checkKernels}. */
export interface Checked {
  /** Worst deviations, relative; of traces those whose bound was not widened. */
  readonly worst: Readonly<Record<typeof DEVIATIONS[number], number>>;
  /** Reports of the checks that failed. */
  readonly failures: readonly string[];
}

/** Works with a device that has such kernels, and fails if it complains. */
async function withDevice<T>({ kind, text }: Kernels, work: (gpu: Gpu) => Promise<T>): Promise<T> {
  const plain = { rewriteShader: (_path: string, code: string) => code.replaceAll(" // unroll", "") };
  using gpu = await openGpu(text === "plain" ? plain : {});
  gpu.kernels = { kind };
  const result = await work(gpu);
  await gpu.device.queue.onSubmittedWorkDone();
  gpu.check(`checks of ${kind} kernels`);
  return result;
}

/** Name of the adapter. */
export async function adapterName(): Promise<string> {
  using gpu = await openGpu();
  return gpu.adapterName;
}

/**
 * Runs all self-tests, replays traces, holds activations at their extremes (but for NaN, which devices need not keep) and
 * every function of the library to the reference, and checks the gradients of the network of every op, against the
 * reference, and of deep in small, by finite differences too.
 *
 * @param traces names of files in `fixtures/traces/`
 */
export function checkKernels(kernels: Kernels, traces: readonly string[]): Promise<Checked> {
  return withDevice(kernels, async (gpu) => {
    const failures: string[] = [];
    const worst = Object.fromEntries(DEVIATIONS.map((name) => [name, 0])) as Record<
      keyof Checked["worst"],
      number
    >;
    const note = (name: keyof typeof worst, error: number) => worst[name] = Math.max(worst[name], error);
    for (const test of SELF_TESTS) {
      const { name, passed, figures } = await runSelfTest(gpu, test);
      if (!passed) failures.push(`self-test of ${name}: ${JSON.stringify(figures)}`);
    }
    for (const name of traces) {
      const report = await replayTrace(gpu, name);
      const { loss, gradient, parameter, passed } = report;
      if (!passed) failures.push(formatReplay(report));
      const kinds: [keyof typeof worst, Deviation, number][] = [
        ["losses", loss, TOLERANCES.traceLoss],
        ["first gradients", gradient, TOLERANCES.traceGradient],
        ["final parameters", parameter, TOLERANCES.traceParameter],
      ];
      for (const [kind, { error, bound }, usual] of kinds) if (bound === usual) note(kind, error);
    }
    for (const activation of Object.keys(ACTIVATIONS) as Activation[]) {
      const wrong = await findWrongExtremes(gpu, activation);
      failures.push(
        ...wrong.filter((line) => !line.includes("at z = NaN")).map((line) => `${activation} ${line}`),
      );
    }
    for (const { of, failures: wrong } of await checkShippedFunctions(gpu)) {
      failures.push(...wrong.map((line) => `${of}: ${line}`));
    }
    const everyOp = await checkEveryOp(gpu, { rows: [5, 1, 6, 7], seed: 0 });
    if (!everyOp.passed) failures.push(`every op:\n${formatGradcheck(everyOp)}`);
    for (const { reference } of everyOp.rows) note("every op", reference.error);
    const small = await checkSmallDeep(gpu);
    if (!small.passed) failures.push(`deep in small:\n${formatGradcheck(small)}`);
    for (const { alongGradient, alongRandom } of small.rows) {
      for (const evidence of [alongGradient, alongRandom]) if (evidence) note("differences", evidence.error);
    }
    return { worst, failures };
  });
}

async function replayTrace(gpu: Gpu, name: string) {
  const file = await fetch(new URL(`../../fixtures/traces/${name}`, import.meta.url));
  const trace = parseTrace(await file.text(), name, Object.keys(SHIPPED));
  return await replay(gpu, trace, traceNetwork(await shipped(trace.recipe), trace));
}

async function shipped(name: string): Promise<Recipe> {
  return Object.values<unknown>(await SHIPPED[name as keyof typeof SHIPPED]()).find(isRecipe)!;
}

/** Checks the activations and losses that the library writes as WGSL expressions. */
function checkShippedFunctions(gpu: Gpu): Promise<FunctionCheck[]> {
  const graph = new Graph(1), x = graph.input("x", 1), target = graph.input("target", 1);
  for (const name of ACTIVATION_NAMES) activation(graph, x, { label: name, activation: name });
  huber(graph, x, target, { label: "huber", reduction: "mean" });
  return checkFunctions(gpu, graph.nodes);
}

/** gradcheck with finite differences, at widths that are not multiples of four. */
async function checkSmallDeep(gpu: Gpu): Promise<GradcheckReport> {
  const deep = await shipped("deep");
  return await gradcheck(gpu, (width) => recipeNetwork(deep, { sizes: [width, 32, 18, 11] }), {
    widths: [30, 29],
    rows: [5, 1, 7],
    seed: 0,
    steps: 20,
    optimizer: adam({ learningRate: 5e-3 }),
  });
}

/** Losses and final parameters of five steps. */
export interface FiveSteps {
  readonly losses: readonly number[];
  readonly parameters: readonly (readonly [name: string, values: readonly number[]])[];
}

/** Trains the recipe deep, as it is, for five steps on the first of the shipped images, from seed 0. */
export function trainDeep(kernels: Kernels): Promise<FiveSteps> {
  return withDevice(kernels, async (gpu) => {
    const batchSize = 64, steps = 5, width = 784;
    const graph = new Graph(batchSize);
    using parameters = new Parameters(0);
    using images = new DeviceImages(gpu, "images", await firstImages(steps * batchSize, width), width);
    const { losses } = recipeNetwork(await shipped("deep"))(
      graph,
      parameters,
      gatherBatch(graph, "pixels", images),
    );
    const trainable = parameters.all, optimizer = adam({ learningRate: 5e-3 });
    using step = await compile(gpu, graph, parameters, { label: "deep", losses, trainable, optimizer });
    for (let k = 0; k < steps; k++) step.run({ first: k * batchSize, rows: batchSize });
    const { values } = await step.readLosses();
    const trained = await parameters.read();
    return {
      losses: [...values.loss],
      parameters: [...trained].map(([name, floats]) => [name, [...floats]] as const),
    };
  });
}

async function firstImages(count: number, width: number): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL("../../fixtures/fashion-mnist-mini/train-images-idx3-ubyte.gz", import.meta.url);
  const { body } = await fetch(url);
  const file = await new Response(body!.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return new Uint8Array(file, 16, count * width).slice(); // after the header of IDX
}

/** What happens when a parameter becomes NaN in training. */
export interface WithNaN {
  /** Loss of the step without an optimizer, whose readings look at the loss alone; `null` if it is not finite. */
  readonly loss: number | null;
  /** Message of the error with an optimizer; `null` if there is none. */
  readonly found: string | null;
}

/** Trains a network with a sigmoid, one of whose weights is NaN, for a step. */
export function trainWithNaN(): Promise<WithNaN> {
  return withDevice({ kind: "naive", text: "plain" }, async (gpu) => {
    const run = async (isTraining: boolean) => {
      const graph = new Graph(4);
      using parameters = new Parameters(0);
      const x = graph.input("x", 3);
      const layer = { activation: "sigmoid", initializer: "pytorch-linear" } as const;
      const code = dense(graph, parameters, x, { ...layer, label: "encoder", outputs: 2 });
      const output = dense(graph, parameters, code, { ...layer, label: "decoder", outputs: 3 });
      const losses = [squaredError(graph, output, x, { label: "loss", reduction: "mean" })];
      parameters.write("encoder.weight", Float32Array.of(NaN, 0.1, 0.2, 0.3, 0.4, 0.5));
      using step = await compile(gpu, graph, parameters, {
        ...{ label: "NaN", losses },
        ...(isTraining ? { trainable: parameters.all, optimizer: adam({ learningRate: 1e-3 }) } : {}),
      });
      step.upload(x, Float32Array.from({ length: 12 }, (_, k) => k / 12));
      step.run({ first: 0, rows: 4 });
      return (await step.readLosses()).values.loss[0];
    };
    const orMessage = (error: unknown) => {
      if (error instanceof Diverged) return error.message;
      throw error;
    };
    const loss = await run(false).catch(orMessage), found = await run(true).catch(orMessage);
    return {
      loss: typeof loss === "number" ? loss : null,
      found: typeof found === "string" ? found : null,
    };
  });
}
