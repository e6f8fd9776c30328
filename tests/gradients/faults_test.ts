// One fault at a time in each function of each shader, and the check that notices it. The list is printed, and stands
// in docs/proofs.md.
import assert from "node:assert/strict";
import { compare, within } from "../../src/check/compare.ts";
import { type ReferenceResult, runReference } from "../../src/check/reference_graph.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { Diverged } from "../../src/errors.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { KERNEL_KINDS, type KernelKind } from "../../src/gpu/product_kernel.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Step } from "../../src/graph/step.ts";
import { dense } from "../../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { clipByGlobalNorm } from "../../src/optim/clip.ts";
import { sgd } from "../../src/optim/sgd.ts";
import { adamUpdate } from "../../src/reference/adam.ts";
import { clipFactor, globalNorm } from "../../src/reference/clip.ts";
import { sgdUpdate } from "../../src/reference/sgd.ts";
import { tensorNorm, updateRatio } from "../../src/reference/watch.ts";
import { everyOp } from "../../src/check/every_op.ts";
import { randomFloats, retile } from "../helpers/gpu.ts";
import { type Mutant, MUTANTS, mutate, nameOf } from "../helpers/mutants.ts";
import type { Optimizer } from "../../src/graph/update.ts";

/** Which check noticed first, and what it looked at. */
interface Finding {
  readonly check: "values" | "losses" | "gradients" | "updates" | "watched";
  readonly of: string;
}

/** Widths of the network whose parameters are updated. */
const WIDTHS = [7, 6, 7];
// No multiples of four; the second batch is a partial one, behind which the first one's last row lies.
const WIDTH = 18, BATCH = 7, ROWS = 6;
const ORDER = Uint32Array.of(3, 8, 0, 12, 5, 7, 2, 10, 6, 1, 9, 4, 11);
const BYTES = Uint8Array.from(randomFloats("bytes", ORDER.length * WIDTH, 0, 256));
const FLOATS = randomFloats("floats", ORDER.length * WIDTH, 0, 1);

function agrees(actual: ArrayLike<number>, expected: Float64Array): boolean {
  const { normError } = compare(actual, expected, [expected.length]);
  return within(normError, TOLERANCES.gpuAgainstReference);
}

/** The rows of the second batch. */
function secondBatch(images: ArrayLike<number>, scale: number): Float64Array {
  return Float64Array.from({ length: ROWS * WIDTH }, (_, at) => {
    const row = ORDER[BATCH + Math.floor(at / WIDTH)];
    return images[row * WIDTH + at % WIDTH] / scale;
  });
}

/** What holds two steps of a network of every op to the f64 reference, again and again. */
function opsCheck(gpu: Gpu, owned: DisposableStack): () => Promise<Finding | undefined> {
  const graph = new Graph(BATCH);
  const parameters = owned.use(new Parameters(8));
  // rows of 18 pixels are padded to 20: five of the 13 images in a chunk
  const bytes = owned.use(new DeviceImages(gpu, "bytes", BYTES, WIDTH, 5 * 20));
  const floats = owned.use(new DeviceImages(gpu, "floats", FLOATS, WIDTH, 5 * 20 * 4));
  for (const images of [bytes, floats]) images.setOrder(ORDER);
  const [pixels, target] = [gatherBatch(graph, "pixels", bytes), gatherBatch(graph, "target", floats)];
  const losses = everyOp(graph, parameters, pixels, target);
  retile(graph, 3, 2); // small tiles compile fast
  const outputs = graph.nodes.flatMap(({ output }) => output ? [output] : []);
  const inputs = new Map([["pixels", secondBatch(BYTES, 255)], ["target", secondBatch(FLOATS, 1)]]);
  let reference: ReferenceResult | undefined;

  return async () => {
    const options = { label: "every op", losses, trainable: parameters.all, outputs };
    using step = await compile(gpu, graph, parameters, options);
    step.run({ first: 0, rows: BATCH });
    step.run({ first: BATCH, rows: ROWS });
    const [reading, values, gradients, start] = await Promise.all([
      step.readLosses().catch((error) => {
        if (error instanceof Diverged) return undefined;
        throw error;
      }),
      step.read(outputs, ROWS),
      step.readGradients(),
      parameters.read(),
    ]);
    if (!reading) return { check: "losses", of: "what is not finite" };
    reference ??= runReference(graph, losses, {
      parameters: new Map([...start].map(([name, floats]) => [name, Float64Array.from(floats)])),
      inputs,
      rows: ROWS,
      draw: 2,
    });
    for (const [k, output] of outputs.entries()) {
      if (!agrees(values[k], reference.values.get(output)!)) return { check: "values", of: output.label };
    }
    for (const { label } of losses) {
      const expected = Float64Array.of(reference.losses.get(label)!);
      if (!agrees(reading.values[label].subarray(1), expected)) return { check: "losses", of: label };
    }
    for (const { name } of parameters.all.toReversed()) {
      if (!agrees(gradients.get(name)!, reference.gradients.get(name)!)) {
        return { check: "gradients", of: name };
      }
    }
    return undefined;
  };
}

/** One update of one parameter by the reference: value, gradient, moments, number of the step. */
type Update = (value: Float64Array, gradient: Float64Array, moments: Float64Array[], t: number) => void;

const SGD = { learningRate: 0.05, momentum: 0.8, nesterov: false, weightDecay: 0.3 };
const ADAM = { learningRate: 0.02, betas: [0.8, 0.95], epsilon: 1e-2, weightDecay: 0.3 } as const;

/** Optimizers with the norm that gradients are clipped to; at 1e4 they never are. */
const OPTIMIZERS: Readonly<Record<string, readonly [Optimizer, number, Update]>> = {
  "SGD, momentum, clipped": [sgd(SGD), 0.5, (p, g, [b]) => sgdUpdate(p, g, b, SGD)],
  "SGD, Nesterov": [
    sgd({ ...SGD, nesterov: true }),
    1e4,
    (p, g, [b]) => sgdUpdate(p, g, b, { ...SGD, nesterov: true }),
  ],
  "Adam, L2, clipped": [
    adam(ADAM),
    0.5,
    (p, g, [m, v], t) => adamUpdate(p, g, m, v, t, { ...ADAM, decay: "l2" }),
  ],
  "Adam, decoupled": [
    adam({ ...ADAM, decay: "decoupled" }),
    1e4,
    (p, g, [m, v], t) => adamUpdate(p, g, m, v, t, { ...ADAM, decay: "decoupled" }),
  ],
};

/** Holds three updates by each optimizer to the f64 reference, which is given the GPU's own gradients. */
async function checkUpdates(gpu: Gpu): Promise<Finding | undefined> {
  for (const [of, [optimizer, most, update]] of Object.entries(OPTIMIZERS)) {
    const graph = new Graph(BATCH);
    using parameters = new Parameters(5);
    const x = graph.input("x", WIDTHS[0]);
    let y = x;
    for (const [k, outputs] of WIDTHS.entries()) {
      const label = k === 1 ? "frozen" : `layer ${k}`; // in the middle, so that there are two stretches
      y = dense(graph, parameters, y, { label, outputs, activation: "tanh", initializer: "pytorch-linear" });
    }
    const loss = squaredError(graph, y, x, { label: "loss", reduction: "sum", weight: 3 });
    const trainable = parameters.all.filter(({ name }) => !name.startsWith("frozen"));
    const clip = clipByGlobalNorm(most);
    const options = { label: of, losses: [loss], trainable, optimizer, clip };
    using step = await compile(gpu, graph, parameters, options);
    step.upload(x, randomFloats("x", BATCH * x.width));
    const start = await parameters.read();
    const states = trainable.map(({ name }) => {
      const value = Float64Array.from(start.get(name)!);
      return { name, value, moments: [value.map(() => 0), value.map(() => 0)] };
    });
    for (let t = 1; t <= 3; t++) {
      step.run({ first: 0, rows: BATCH });
      const gradients = await step.readGradients();
      const floats = states.map(({ name }) => Float64Array.from(gradients.get(name)!));
      const factor = clipFactor(globalNorm(floats), most);
      states.forEach(({ value, moments }, k) => update(value, floats[k].map((g) => g * factor), moments, t));
    }
    const end = await parameters.read();
    for (const { name, value } of states) {
      if (!agrees(end.get(name)!, value)) return { check: "updates", of };
    }
  }
  return undefined;
}

/** Which kernels a fault belongs to. */
function variantOf({ shader, kind }: Mutant): KernelKind {
  return kind ?? KERNEL_KINDS.find((kind) => shader.endsWith(`_${kind}.wgsl`)) ?? "register";
}

/** An optimizer that moves nothing, so that what is wrong with a gradient stays there. */
const STILL: Optimizer = {
  ...sgd(SGD),
  update: (...of) => {
    const update = sgd(SGD).update(...of);
    return { ...update, settings: { ...update.settings, u32: { ...update.settings.u32, count: 0 } } };
  },
};

/** A step of three tensors, one of them with more vec4 than invocations, each watched; and what to plant in it. */
async function watchedStep(
  gpu: Gpu,
  parameters: Parameters,
  optimizer: Optimizer,
  weight: number,
): Promise<Step> {
  const graph = new Graph(BATCH);
  const x = graph.input("x", 70);
  const layer = { activation: "tanh", initializer: "pytorch-linear" } as const;
  const wide = dense(graph, parameters, x, { label: "wide", ...layer, outputs: 66 });
  const narrow = dense(graph, parameters, wide, { label: "narrow", ...layer, outputs: 70, bias: false });
  const losses = [squaredError(graph, narrow, x, { label: "loss", reduction: "sum", weight })];
  const options = { label: "watched", losses, trainable: parameters.all, optimizer, watch: () => true };
  const step = await compile(gpu, graph, parameters, options);
  step.upload(x, randomFloats("x", BATCH * x.width));
  return step;
}

/** Holds what is watched to the f64 reference, and plants what is not finite. */
async function checkWatched(gpu: Gpu): Promise<Finding | undefined> {
  using parameters = new Parameters(5);
  using step = await watchedStep(gpu, parameters, sgd(SGD), 1);
  const before = await parameters.read();
  step.run({ first: 0, rows: BATCH });
  const [reading, gradients, after] = await Promise.all([
    step.readLosses(),
    step.readGradients(),
    parameters.read(),
  ]);
  for (const { name, ...figures } of reading.tensors ?? []) {
    const [gradient, earlier, later] = [gradients, before, after].map((of) =>
      Float64Array.from(of.get(name)!)
    );
    const agree = [
      agrees([figures.gradientNorm], Float64Array.of(tensorNorm(gradient))),
      agrees([figures.weightNorm], Float64Array.of(tensorNorm(later))),
      agrees([figures.updateRatio], Float64Array.of(updateRatio(earlier, later))),
    ];
    if (agree.includes(false)) return { check: "watched", of: name };
  }
  const complaint = (of: Step) => of.readLosses().then(() => "", (error: Error) => error.message);
  parameters.write("wide.bias", new Float32Array(66).with(65, Infinity)); // tanh(∞) is 1, with the derivative 0
  step.run({ first: 0, rows: BATCH });
  if (!(await complaint(step)).includes('"wide.bias"')) return { check: "watched", of: "an infinite weight" };

  using others = new Parameters(5);
  using steep = await watchedStep(gpu, others, STILL, 3e38); // which the loss is reported without
  steep.run({ first: 0, rows: BATCH });
  if (!(await complaint(steep)).includes("gradient")) return { check: "watched", of: "an infinite gradient" };
  return undefined;
}

Deno.test("every planted fault is noticed, and what notices it is listed in docs/proofs.md", async () => {
  let mutant: Mutant | undefined;
  using gpu = await openGpu({
    rewriteShader: (_path, code, shader) =>
      mutant && shader === `shaders/${mutant.shader}` ? mutate(code, mutant) : code,
  });
  using owned = new DisposableStack();
  const checkOps = opsCheck(gpu, owned);
  for (const kind of KERNEL_KINDS) {
    gpu.kernels = { kind };
    for (const check of [checkOps, () => checkUpdates(gpu), () => checkWatched(gpu)]) {
      assert.equal(await check(), undefined, `${kind} kernels: without a fault nothing is noticed`);
    }
  }
  const lines: string[] = [], survivors: string[] = [];
  const faultless = new Set(gpu.pipelines.keys());
  for (mutant of MUTANTS) {
    const { shader, place, fault } = mutant;
    const name = nameOf(mutant);
    gpu.kernels = { kind: variantOf(mutant) };
    const checkOf = (): Promise<Finding | undefined> => {
      if (shader === "optim/watch.wgsl") return checkWatched(gpu);
      return shader.startsWith("optim/") ? checkUpdates(gpu) : checkOps();
    };
    const found = await checkOf();
    for (const key of gpu.pipelines.keys()) if (!faultless.has(key)) gpu.pipelines.delete(key);
    gpu.check("a faulty run");
    if (found) {
      console.log(`${name}  ${place}  ${fault}: noticed by ${found.check} of "${found.of}"`);
      lines.push(`| \`${name}\` | \`${place}\` | ${fault} | ${found.check} |`);
    } else survivors.push(`${name}, ${place}: ${fault}`);
  }
  assert.deepEqual(survivors, []);
  const listed = (await Deno.readTextFile(new URL("../../docs/proofs.md", import.meta.url))).split("\n")
    .map((line) => line.replace(/ +/g, " ")).filter((line) => /^\| `\w+\/\w+\.wgsl[`,]/.test(line));
  assert.deepEqual(listed, lines, "the list in docs/proofs.md");
});

Deno.test("every entry point of every shader has a planted fault", () => {
  const root = new URL("../../shaders/", import.meta.url);
  const missing: string[] = [];
  for (const folder of ["data", "layers", "losses", "optim"]) {
    for (const { name } of Deno.readDirSync(new URL(`${folder}/`, root))) {
      const shader = `${folder}/${name}`;
      const code = Deno.readTextFileSync(new URL(shader, root));
      for (const [, place] of code.matchAll(/@compute[^\n]*\nfn (\w+)\(/g)) {
        if (!MUTANTS.some((mutant) => mutant.shader === shader && mutant.place === place)) {
          missing.push(`${shader}, ${place}`);
        }
      }
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("mutate() refuses a text that is not there, or more than once", () => {
  const mutant = { shader: "a.wgsl", place: "f", fault: "none", text: "x", becomes: "y" };
  const code = "fn f() {\n  x\n}\nfn g() {\n  x\n}\n";
  assert.equal(mutate(code, mutant), "fn f() {\n  y\n}\nfn g() {\n  x\n}\n");
  assert.throws(() => mutate(code, { ...mutant, text: "z" }), /stands there 0 times/);
  assert.throws(() => mutate(code.replace("x", "x + x"), mutant), /stands there 2 times/);
  assert.equal(mutate(code, { ...mutant, place: "h" }), code, "a part without the function stays as it is");
});
