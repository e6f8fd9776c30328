/**
 * Compiling a graph: its dispatches, forwards, back and for the update, get pipelines, buffers and bind groups; the
 * result is a step, a list that is replayed.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { ROW_BYTES } from "../gpu/texture.ts";
import { createPipeline, type KernelSpec, type Shader } from "../gpu/kernel.ts";
import totalCode from "../../shaders/losses/total.wgsl" with { type: "text" };
import type { Graph, LossTerm, Node } from "./graph.ts";
import { LOSS_CHUNKS } from "./graph.ts";
import { planImages, type StepImages } from "./textures.ts";
import { checkLimits, lanesOfWorkgroup } from "./limits.ts";
import { type Parameter, type Parameters, SLOT_ALIGNMENT } from "./parameters.ts";
import { SHADER_NUMBERS } from "./shader_numbers.ts";
import { type CompiledDispatch, Step } from "./step.ts";
import type { Dispatch, Tensor, Value } from "./tensor.ts";
import { planGradients, reachable } from "./plan_gradients.ts";
import { watchBytes, watchDispatches } from "./tensor_stats.ts";

/** A rule that turns gradients into updates. */
export interface Optimizer {
  /** Its name and figures, for the plan. */
  readonly name: string;
  /** The step size η, unless a step is run with another. */
  readonly learningRate: number;
  /** How many numbers it keeps for each parameter. */
  readonly moments: number;
  /** The dispatch that updates one stretch of the arenas; it multiplies gradients with the first float of `clip`. */
  update(
    label: string,
    gradients: Tensor,
    parameters: Tensor,
    moments: readonly Tensor[],
    clip: Tensor,
  ): Dispatch;
  /** The two numbers that shaders know as `correction_1` and `correction_2`, at the t-th step, counted from 1. */
  corrections(t: number): readonly [number, number];
}

/** A rule that says what all gradients of a step are multiplied with before the update. */
export interface GradientClip {
  /** Its name and figures, for the plan. */
  readonly name: string;
  /**
   * The dispatches that find the factor.
   *
   * @param gradients the trainable stretches of the gradients, and nothing else
   * @param clip where the factor goes, and the norm of the gradients behind it
   * @param norms where the norm is filed under the step's number modulo {@link LOSS_RING}
   */
  dispatches(gradients: readonly Tensor[], clip: Tensor, norms: Tensor): readonly Dispatch[];
}

/** What a step is to do. */
export interface CompileOptions {
  /** The step's name in errors. */
  readonly label: string;
  /** The terms of the total loss. */
  readonly losses?: readonly LossTerm[];
  /** Values that will be read, and must be computed even if no loss needs them. */
  readonly outputs?: readonly Value[];
  /** Values that are not computed but uploaded, as inputs are: they keep what they are given. */
  readonly held?: readonly Value[];
  /** Parameters that get a gradient. */
  readonly trainable?: readonly Parameter[];
  /** Values whose gradient will be read. */
  readonly gradients?: readonly Value[];
  /** The rule that updates the trainable parameters; without one only gradients are computed. */
  readonly optimizer?: Optimizer;
  /** How gradients are clipped before the optimizer uses them; not at all if absent, or without an optimizer. */
  readonly clip?: GradientClip | undefined;
  /**
   * At which steps, counted from 1, the trained tensors are watched: those after which losses will be read, as
   * `LossReading.tensors` and what is not finite in them come with that reading. At none if absent, or without
   * an optimizer.
   */
  readonly watch?: ((index: number) => boolean) | undefined;
}

/** Steps whose losses are kept on the GPU until they are read. */
export const LOSS_RING = 1024;

const TOTAL: Shader = { path: "shaders/losses/total.wgsl", code: totalCode };

/** What a step runs before the update of its parameters. */
export interface PlannedDispatches {
  /** The nodes that it needs, in recorded order. */
  readonly used: readonly Node[];
  /** Where the losses go. */
  readonly ring: Tensor;
  /** Forward, backward, and the totals of the losses. */
  readonly dispatches: Dispatch[];
}

/**
 * Decides what a step dispatches before its update. Nothing is compiled, and nothing is made on the GPU.
 *
 * @throws TypeError if a trainable parameter is used by no loss
 */
export function planDispatches(gpu: Gpu, graph: Graph, options: CompileOptions): PlannedDispatches {
  const { losses = [], outputs = [], held = [], trainable = [], gradients = [], label } = options;
  const used = reachable(graph, losses, outputs, held);
  const requests = planGradients(used, losses, trainable, gradients);
  const updated = new Set<Parameter>();
  for (const [node, request] of requests) {
    node.parameters.forEach((parameter, at) =>
      request.parameters[at] !== undefined && updated.add(parameter)
    );
  }
  for (const parameter of trainable) {
    if (!updated.has(parameter)) {
      throw new TypeError(`Cannot train "${parameter.name}" in ${label}: no loss depends on it`);
    }
  }

  const ring: Tensor = { name: "losses", bytes: 4 * LOSS_RING * Math.max(1, losses.length) };
  const dispatches: Dispatch[] = [];
  for (const node of used) dispatches.push(...node.forward(gpu, requests.get(node)));
  for (const node of used.toReversed()) {
    const request = requests.get(node);
    if (request) dispatches.push(...node.backward(gpu, request));
  }
  losses.forEach((term, at) => dispatches.push(totalOf(term, at, losses.length, ring)));
  return { used, ring, dispatches };
}

/**
 * Compiles a graph into a step.
 *
 * @param gpu the device to run on
 * @param graph what to run
 * @param parameters the graph's parameters; laid out on the GPU if they are not yet
 * @throws TypeError if a trainable parameter is used by no loss
 * @throws InputError if the device's limits do not allow it
 * @throws ShaderError if a shader does not compile
 */
export async function compile(
  gpu: Gpu,
  graph: Graph,
  parameters: Parameters,
  options: CompileOptions,
): Promise<Step> {
  const { held = [], trainable = [], optimizer, clip: clipping, watch, label } = options;
  const { used, ring, dispatches } = planDispatches(gpu, graph, options);
  const values = used.flatMap(({ output }) => output ? [output] : []);
  checkLimits(gpu, { label, batchSize: graph.batchSize, parameters, values, dispatches });
  parameters.allocate(gpu);

  const owned = new Map<Tensor, GPUBuffer>();
  const made: GPUBuffer[] = [];
  let images: StepImages | undefined;
  function create(name: string, bytes: number, usage?: number): GPUBuffer {
    const buffer = gpu.createBuffer(name, bytes, usage);
    made.push(buffer);
    return buffer;
  }

  try {
    const arenas = {
      gradients: create(`${label} gradients`, trainable.length > 0 ? parameters.bytes : 0),
      moments: Array.from(
        { length: trainable.length > 0 ? optimizer?.moments ?? 0 : 0 },
        (_, k) => create(`${label} moment ${k + 1}`, parameters.bytes),
      ),
    };
    const gradientOf = new Map(trainable.map((parameter) => [parameter.gradient, parameter]));
    const norms: Tensor | undefined = optimizer && clipping &&
      { name: "gradient norms", bytes: 4 * LOSS_RING };
    const watched: Tensor = { name: "watched tensors", bytes: watchBytes(trainable.length) };
    const watching: Dispatch[] = [];
    let before: GPUBuffer | undefined; // the parameters before a watched step
    if (optimizer) {
      const factor = create(`${label} clip`, 16);
      gpu.device.queue.writeBuffer(factor, 0, Float32Array.of(1, 0)); // what there is without clipping
      const clip: Tensor = { name: "clip", bytes: 16, home: { buffer: factor, offset: 0 } };
      const trained = stretches(trainable).map(({ name, offset, bytes }) => ({
        name,
        at: (arena: string, buffer: GPUBuffer): Tensor => ({
          name: `${arena} of ${name}`,
          bytes,
          home: { buffer, offset },
        }),
      }));
      if (clipping && norms) {
        const stretched = trained.map(({ at }) => at("gradients", arenas.gradients));
        dispatches.push(...clipping.dispatches(stretched, clip, norms));
      }
      const arena = parameters.all[0].tensor.home!.buffer;
      for (const { name, at } of trained) {
        dispatches.push(optimizer.update(
          `update ${name}`,
          at("gradients", arenas.gradients),
          at("parameters", arena),
          arenas.moments.map((buffer, k) => at(`moment ${k + 1}`, buffer)),
          clip,
        ));
      }
      if (watch && trainable.length > 0) {
        before = create(`${label} parameters before`, parameters.bytes);
        const buffers = { "gradient": arenas.gradients, "weights": arena, "weights before": before };
        watching.push(...watchDispatches(trainable, (of, { name, bytes, offset }) => ({
          name: `${of} of ${name}`,
          bytes,
          home: { buffer: buffers[of], offset },
        }), watched));
      }
    }

    const place: Place = (tensor, binding = 0) => {
      // a stretch for each binding: writable bindings of one dispatch must not overlap
      if (!tensor) return { buffer: gpu.absent, offset: SETTINGS_STRIDE * binding, size: 16 };
      const size = Math.max(16, Math.ceil(tensor.bytes / 4) * 4);
      if (tensor.home) return { ...tensor.home, size };
      if (tensor.sameAs && !held.some((value) => value.tensor === tensor)) {
        const shared = place(tensor.sameAs);
        owned.set(tensor, shared.buffer);
        return shared;
      }
      const parameter = gradientOf.get(tensor);
      if (parameter) return { buffer: arenas.gradients, offset: parameter.offset, size };
      let buffer = owned.get(tensor);
      if (!buffer) {
        // images take whole rows; what is read back as it is has its own size
        const isRing = tensor === ring || tensor === norms;
        const unit = !isRing && dispatches.some(({ images = 0 }) => images > 0) ? ROW_BYTES : 4;
        buffer = create(tensor.name, Math.ceil(tensor.bytes / unit) * unit);
        owned.set(tensor, buffer);
        if (tensor.contents) gpu.device.queue.writeBuffer(buffer, 0, tensor.contents);
      }
      return { buffer, offset: 0, size };
    };

    // What the CPU writes or reads gets a buffer even if no dispatch names it.
    for (const node of used) if (node.output) place(node.output.tensor);
    place(ring);
    if (norms) place(norms);
    const settings = create(
      `${label} settings`,
      SETTINGS_STRIDE * Math.max(1, dispatches.length + watching.length),
    );
    const state = create(`${label} step`, STEP_BYTES);
    const compiled: CompiledDispatch[] = [];
    const all = [...dispatches, ...watching];
    images = planImages(gpu, all, place);
    for (const [at, dispatch] of all.entries()) {
      const lanes = lanesOfWorkgroup(gpu, dispatch, graph.batchSize);
      compiled.push(await compileDispatch(gpu, dispatch, lanes, place, images, settings, at, state));
    }
    gpu.check(`compiling ${label}`);
    return new Step(gpu, graph, options, compiled.slice(0, dispatches.length), {
      owned,
      ...arenas,
      settings,
      state,
      ring: owned.get(ring)!,
      norms: norms && owned.get(norms),
      watch: before && {
        parameters: parameters.all[0].tensor.home!.buffer,
        before,
        dispatches: compiled.slice(dispatches.length),
        sums: owned.get(watched)!,
      },
      made,
      images: images.all,
    });
  } catch (error) {
    for (const buffer of made) gpu.destroyBuffer(buffer);
    for (const image of images?.all ?? []) gpu.destroyImage(image);
    throw error;
  }
}

const SETTINGS_STRIDE = 256;
/** Bytes of what a step writes before it is submitted: room for {@link STEP_FIELDS}. */
const STEP_BYTES = 32;
/** `struct Step` in shaders/common/step.wgsl. */
const STEP_FIELDS = [
  "rows: u32",
  "first: u32",
  "index: u32",
  "learning_rate: f32",
  "correction_1: f32",
  "correction_2: f32",
  "draw: u32",
];

/** Where a tensor lies; `binding` tells apart what has no tensor. */
type Place = (
  tensor: Tensor | undefined,
  binding?: number,
) => { buffer: GPUBuffer; offset: number; size: number };

/** Neighbouring trainable slots as one stretch each, so that the optimizer needs few dispatches. */
function stretches(trainable: readonly Parameter[]): { name: string; offset: number; bytes: number }[] {
  const result: { name: string; first: Parameter; offset: number; end: number; next: number }[] = [];
  for (const parameter of trainable.toSorted((a, b) => a.offset - b.offset)) {
    const end = parameter.offset + parameter.bytes;
    const next = Math.ceil(end / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    const last = result.at(-1);
    if (last && last.next === parameter.offset) {
      Object.assign(last, { name: `${last.first.name} … ${parameter.name}`, end, next });
    } else result.push({ name: parameter.name, first: parameter, offset: parameter.offset, end, next });
  }
  return result.map(({ name, offset, end }) => ({ name, offset, bytes: end - offset }));
}

function totalOf(term: LossTerm, at: number, terms: number, ring: Tensor): Dispatch {
  return {
    label: `${term.label} total`,
    shader: TOTAL,
    entryPoint: "loss_total",
    constants: { CHUNKS: LOSS_CHUNKS, RING: LOSS_RING },
    reads: [term.partial],
    writes: [ring],
    settings: { u32: { term: at, terms } },
    lanes: 1,
    workgroup: 64,
  };
}

/**
 * The kernel that a dispatch runs: its shader behind the numbers that shaders of a graph know, how many lanes a workgroup
 * has, and what it binds.
 */
export function kernelOfDispatch(dispatch: Dispatch, lanes: number): KernelSpec {
  const { shader, entryPoint, reads, writes, constants, images = 0, settings: { u32, f32 = {} } } = dispatch;
  const binding = reads.length + writes.length;
  return {
    shader: { ...shader, before: [SHADER_NUMBERS, ...shader.before ?? []] },
    entryPoint,
    constants: { LANES: lanes, ...constants },
    access: [
      ...reads.map((_, at) => at < images ? "image" : "read"),
      ...writes.map(() => "write" as const),
      "read", // settings
      "read", // step
    ],
    structs: [
      {
        binding,
        fields: [
          ...Object.keys(u32).map((name) => `${name}: u32`),
          ...Object.keys(f32).map((name) => `${name}: f32`),
        ],
      },
      { binding: binding + 1, fields: STEP_FIELDS, name: "Step" },
    ],
  };
}

/** Bytes of a dispatch's fixed numbers. */
function settingsBytes({ settings: { u32, f32 = {} } }: Dispatch): number {
  return Math.ceil((Object.values(u32).length + Object.values(f32).length) / 4) * 16;
}

async function compileDispatch(
  gpu: Gpu,
  dispatch: Dispatch,
  lanes: number,
  place: Place,
  images: StepImages,
  settings: GPUBuffer,
  at: number,
  state: GPUBuffer,
): Promise<CompiledDispatch> {
  const { reads, writes, label, images: imageReads = 0 } = dispatch;
  const { u32, f32 = {} } = dispatch.settings;
  const bytes = new ArrayBuffer(settingsBytes(dispatch));
  new Uint32Array(bytes).set(Object.values(u32));
  new Float32Array(bytes).set(Object.values(f32), Object.values(u32).length);
  gpu.device.queue.writeBuffer(settings, SETTINGS_STRIDE * at, bytes);

  const pipeline = await createPipeline(gpu, kernelOfDispatch(dispatch, lanes));
  const bindGroup = gpu.device.createBindGroup({
    label,
    layout: pipeline.getBindGroupLayout(0),
    entries: [
      ...[...reads, ...writes].map((tensor, binding) => ({
        binding,
        resource: binding < imageReads ? images.of(tensor).createView() : place(tensor, binding),
      })),
      {
        binding: reads.length + writes.length,
        resource: { buffer: settings, offset: SETTINGS_STRIDE * at, size: bytes.byteLength },
      },
      { binding: reads.length + writes.length + 1, resource: { buffer: state } },
    ],
  });
  const workgroups = Math.ceil(dispatch.lanes / lanes);
  return { ...dispatch, pipeline, bindGroup, workgroups, copies: images.copies[at] };
}
