/**
 * Compiles a graph: creates pipelines, buffers and bind groups for the dispatches of the forward pass, the
 * backward pass and the update. The result is a step, a list of dispatches that is replayed for each batch.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { ROW_BYTES } from "../gpu/texture.ts";
import {
  type CompiledDispatch,
  compileDispatch,
  type Place,
  SETTINGS_STRIDE,
  STEP_BYTES,
} from "./compile_dispatch.ts";
import type { Graph } from "../graph/graph.ts";
import { LOSS_RING } from "./loss_ring.ts";
import { type CompileOptions, planDispatches } from "./plan_dispatches.ts";
import { planTextures, type StepTextures } from "./textures.ts";
import { checkLimits, workgroupSizeOf } from "./limits.ts";
import type { Parameters } from "../graph/parameters.ts";
import { Step } from "./step.ts";
import type { Dispatch, Location, Tensor } from "../graph/tensor.ts";
import { stretches } from "./update.ts";
import { watchBytes, watchDispatches } from "./tensor_stats.ts";

/**
 * Compiles a graph into a step.
 *
 * ```ts
 * import { compile, Graph, openGpu, Parameters, squaredError } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const loss = squaredError(graph, x, graph.input("target", 3), { label: "loss", reduction: "mean" });
 * using gpu = await openGpu();
 * using parameters = new Parameters(0);
 * using step = await compile(gpu, graph, parameters, { label: "step", losses: [loss] });
 * step.run({ first: 0, rows: 4 });
 * const { mean } = await step.readLosses(); // { loss: 0 }: inputs are 0 until they are uploaded
 * if (mean.loss !== 0) throw new Error("expected 0");
 * ```
 *
 * @param gpu the device to run on
 * @param graph the recorded ops
 * @param parameters the graph's parameters; allocated on the GPU if they are not yet
 * @throws TypeError if no loss depends on a trainable parameter
 * @throws InputError if the step exceeds the device's limits
 * @throws ShaderError if a shader does not compile
 */
export async function compile(
  gpu: Gpu,
  graph: Graph,
  parameters: Parameters,
  options: CompileOptions,
): Promise<Step> {
  const { frozenValues = [], trainable = [], optimizer, clip: clipping, watch, label } = options;
  const { used, ring, dispatches, places } = planDispatches(gpu, graph, options);
  const values = used.flatMap(({ output }) => output ? [output] : []);
  checkLimits(gpu, { label, batchSize: graph.batchSize, parameters, values, dispatches });
  parameters.allocate(gpu);

  const owned = new Map<Tensor, Location>();
  const made: GPUBuffer[] = [];
  let textures: StepTextures | undefined;
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
      gpu.device.queue.writeBuffer(factor, 0, Float32Array.of(1, 0)); // the values without clipping
      const clip: Tensor = { name: "clip", bytes: 16, location: { buffer: factor, offset: 0 } };
      const trained = stretches(trainable).map(({ name, offset, bytes }) => ({
        name,
        at: (arena: string, buffer: GPUBuffer): Tensor => ({
          name: `${arena} of ${name}`,
          bytes,
          location: { buffer, offset },
        }),
      }));
      if (clipping && norms) {
        const stretched = trained.map(({ at }) => at("gradients", arenas.gradients));
        dispatches.push(...clipping.dispatches(stretched, clip, norms));
      }
      const arena = parameters.all[0].tensor.location!.buffer;
      for (const { name, at } of trained) {
        dispatches.push(optimizer.update(
          `update ${name}`,
          at("gradients", arenas.gradients),
          at("parameters", arena),
          arenas.moments.map((buffer, k) => at(`moment ${k + 1}`, buffer)),
          clip,
          gpu,
        ));
      }
      if (trainable.length > 0) {
        if (watch) before = create(`${label} parameters before`, parameters.bytes);
        const buffers = { "gradient": arenas.gradients, "weights": arena, "weights before": before ?? arena };
        watching.push(...watchDispatches(trainable, (of, { name, bytes, offset }) => ({
          name: `${of} of ${name}`,
          bytes,
          location: { buffer: buffers[of], offset },
        }), watched));
      }
    }

    const place: Place = (tensor, binding = 0) => {
      // a range of its own for each binding: writable bindings of one dispatch must not overlap
      if (!tensor) return { buffer: gpu.placeholder, offset: SETTINGS_STRIDE * binding, size: 16 };
      const size = Math.max(16, Math.ceil(tensor.bytes / 4) * 4);
      if (tensor.location) return { ...tensor.location, size };
      if (tensor.sameAs && !frozenValues.some((value) => value.tensor === tensor)) {
        const shared = place(tensor.sameAs);
        owned.set(tensor, shared);
        return shared;
      }
      const parameter = gradientOf.get(tensor);
      if (parameter) return { buffer: arenas.gradients, offset: parameter.offset, size };
      if (tensor === parameters.all[0]?.arenas.gradients) {
        return { buffer: arenas.gradients, offset: 0, size };
      }
      const arena = places.get(tensor);
      if (arena) {
        const { buffer } = place(arena.of);
        owned.set(tensor, { buffer, offset: arena.offset });
        return { buffer, offset: arena.offset, size };
      }
      let buffer = owned.get(tensor)?.buffer;
      if (!buffer) {
        // whole rows for copies into textures; the rings are read back whole, in their exact size
        const isRing = tensor === ring || tensor === norms;
        const unit = !isRing && dispatches.some(({ textures = 0 }) => textures > 0) ? ROW_BYTES : 4;
        buffer = create(tensor.name, Math.ceil(tensor.bytes / unit) * unit);
        owned.set(tensor, { buffer, offset: 0 });
        if (tensor.contents) gpu.device.queue.writeBuffer(buffer, 0, tensor.contents);
      }
      return { buffer, offset: 0, size };
    };

    // Tensors that the CPU writes or reads need a buffer even if no dispatch uses them.
    for (const node of used) if (node.output) place(node.output.tensor);
    for (const tensor of places.keys()) place(tensor);
    place(ring);
    if (norms) place(norms);
    const settings = create(
      `${label} settings`,
      SETTINGS_STRIDE * Math.max(1, dispatches.length + watching.length),
    );
    const state = create(`${label} step`, STEP_BYTES);
    const compiled: CompiledDispatch[] = [];
    const all = [...dispatches, ...watching];
    textures = planTextures(gpu, all, place);
    for (const [at, dispatch] of all.entries()) {
      const invocations = workgroupSizeOf(gpu, dispatch, graph.batchSize);
      compiled.push(await compileDispatch(gpu, dispatch, invocations, place, textures, settings, at, state));
    }
    gpu.check(`compiling ${label}`);
    return new Step({
      gpu,
      graph,
      options,
      dispatches: compiled.slice(0, dispatches.length),
      buffers: {
        owned,
        ...arenas,
        settings,
        state,
        ring: owned.get(ring)!.buffer,
        norms: norms && owned.get(norms)?.buffer,
        watch: watching.length > 0
          ? {
            parameters: parameters.all[0].tensor.location!.buffer,
            before,
            dispatches: compiled.slice(dispatches.length),
            sums: owned.get(watched)!.buffer,
          }
          : undefined,
        made,
        textures: textures.all,
      },
    });
  } catch (error) {
    for (const buffer of made) gpu.destroyBuffer(buffer);
    for (const texture of textures?.all ?? []) gpu.destroyTexture(texture);
    throw error;
  }
}
